package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"betimes/internal/lab/emulator"
)

// fuzzed is a request of each service in each of its protocols: method, path,
// headers (NAME:VALUE, one a line) and body.
var fuzzed = [][4]string{
	{"POST", "/", "X-Amz-Target:AmazonSQS.SendMessage", `{"QueueUrl":"http://127.0.0.1/000000000000/q","MessageBody":"b","DelaySeconds":1,"MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AA=="}}}`},
	{"POST", "/", "X-Amz-Target:AmazonSQS.CreateQueue", `{"QueueName":"q","Attributes":{"VisibilityTimeout":"x"}}`},
	{"POST", "/", "X-Amz-Target:AmazonSQS.SendMessageBatch", `{"QueueUrl":"q","Entries":[null,{"Id":"a"}]}`},
	{"POST", "/", "X-Amz-Target:AmazonSQS.DeleteMessage", `{"QueueUrl":"q","ReceiptHandle":"#"}`},
	{"POST", "/", "", "Action=SendMessageBatch&Version=2012-11-05&QueueUrl=q&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=b"},
	{"POST", "/", "", "Action=Publish&Version=2010-03-31&TopicArn=arn:aws:sns:us-east-1:000000000000:t&Message=%7B%7D&MessageStructure=json"},
	{"POST", "/", "", "Action=CreateTopic&Version=2010-03-31&Name=t&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=%ff"},
	{"POST", "/", "", "Action=Subscribe&Version=2010-03-31&TopicArn=arn:aws:sns:us-east-1:000000000000:t&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:000000000000:q"},
	{"GET", "/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn=t&Token=x", "", ""},
	{"POST", "/", "", "Action=GetCallerIdentity&Version=2011-06-15"},
	{"POST", "/", "X-Amz-Target:Logs_20140328.GetLogEvents", `{"logGroupName":"../..","logStreamName":"x","nextToken":"f/1","limit":0}`},
	{"POST", "/", "X-Amz-Target:Logs_20140328.DescribeLogStreams", `{"logGroupIdentifier":"arn:aws:logs:us-east-1:0:log-group:g:*","orderBy":"LastEventTime"}`},
	{"POST", "/", "X-Amz-Target:AnyScaleFrontendService.PutScalingPolicy", `{"PolicyName":"p","PolicyType":"StepScaling","ServiceNamespace":"sagemaker","ResourceId":"endpoint/e/variant/v","ScalableDimension":"sagemaker:variant:DesiredInstanceCount","StepScalingPolicyConfiguration":{"StepAdjustments":[{"ScalingAdjustment":1}]}}`},
	{"POST", "/", "X-Amz-Target:AnyScaleFrontendService.PutScheduledAction", `{"Schedule":"cron(0 0 * * ? *)","Timezone":"Nowhere/None"}`},
	{"POST", "/", "X-Amz-Target:GraniteServiceVersion20100801.GetMetricData", `{"MetricDataQueries":[{"Id":"a","MetricStat":{"Metric":{"Namespace":"n","MetricName":"m"},"Period":60,"Stat":"p99"}}],"StartTime":0,"EndTime":1e300}`},
	{"POST", "/", "X-Amz-Target:GraniteServiceVersion20100801.PutMetricData", `{"Namespace":"n","MetricData":[{"MetricName":"m","Values":[1],"Counts":[-1],"Timestamp":"x"}]}`},
	{"POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "Smithy-Protocol:rpc-v2-cbor\nContent-Type:application/cbor", "\xbf\x69Namespace\x61n\xff"},
	{"POST", "/", "", "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=a&Threshold=NaN"},
	{"POST", "/", "X-Amz-Target:SageMaker.CreateModel", `{"ModelName":"m"}`},
	{"POST", "/", "X-Amz-Target:Nothing.Known", `{}`},
	{"POST", "/endpoints/e/invocations", "Content-Type:text/csv\nX-Amzn-SageMaker-Target-Variant:v", "1,2"},
	{"POST", "/endpoints/e/async-invocations", "X-Amzn-SageMaker-InputLocation:s3://b/k\nX-Amzn-SageMaker-RequestTTLSeconds:99999999999999999999", ""},
	{"POST", "/endpoints/e/async-invocations", "X-Amzn-SageMaker-Filename:../x\nX-Amzn-SageMaker-S3OutputPathExtension:../../x", "body"},
	{"POST", "/endpoints/e/invocations-response-stream", "X-Amzn-SageMaker-Session-Id:NEW_SESSION", "x"},
	{"PUT", "/bucket", "", "<CreateBucketConfiguration>"},
	{"PUT", "/bucket/key", "Content-Encoding:aws-chunked\nX-Amz-Content-Sha256:STREAMING-UNSIGNED-PAYLOAD-TRAILER", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"},
	{"PUT", "/bucket/copy", "X-Amz-Copy-Source:/bucket/%zz", ""},
	{"GET", "/bucket/key", "Range:bytes=5-1", ""},
	{"GET", "/bucket?list-type=2&max-keys=-1&continuation-token=%00", "", ""},
	{"POST", "/bucket?delete", "", "<Delete><Object><Key>k</Key></Object></Delete>"},
	{"POST", "/bucket/key?uploads", "", ""},
	{"POST", "/bucket/key?uploadId=x", "", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>"},
	{"PUT", "/bucket/key?partNumber=0&uploadId=x", "", "x"},
	{"POST", "/_emu/faults", "", `{"fault":"latency","add":"1h","match":{"instance":-1}}`},
	{"POST", "/_emu/clock/advance", "", `{"by":"1ms"}`},
	{"PUT", "/_emu/limits", "", `{"endpoint":"e","concurrency":1}`},
	{"GET", "/_emu/journal?since=18446744073709551615", "", ""},
	{"POST", "/", "Authorization:AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0", "{}"},
	{"GET", "/bucket/key?X-Amz-Credential=a%2Fb%2Fc%2Fs3%2Faws4_request", "", ""},
}

// FuzzServices sends anything to any service: the answer is one of AWS's, in the
// form that its content type says, and never a failure of the emulator.
func FuzzServices(f *testing.F) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	config := emulator.DefaultConfig()
	config.Profile = "instant"
	e, err := emulator.New(config, emulator.Deps{Dir: f.TempDir(), Listener: l})
	if err != nil {
		f.Fatal(err)
	}
	serving := e.Handler()
	for _, seed := range fuzzed {
		f.Add(seed[0], seed[1], seed[2], []byte(seed[3]))
	}
	f.Fuzz(func(t *testing.T, method, path, headers string, body []byte) {
		if bytes.Contains(body, []byte("exec:")) || bytes.Contains(body, []byte("http")) || strings.HasPrefix(path, "/_emu/clock") && len(body) > 14 { // nothing is run, called or waited for here
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // some operations wait
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1"+path, bytes.NewReader(body))
		if err != nil {
			return
		}
		for line := range strings.SplitSeq(headers, "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				r.Header.Add(name, value)
			}
		}
		w := httptest.NewRecorder()
		serving.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError && w.Code != http.StatusNotImplemented {
			t.Errorf("%s %s %q %q was answered %d %s", method, path, headers, body, w.Code, w.Body)
		}
		if err := wellFormed(w.Result()); err != nil && method != http.MethodGet { // who reads an object gets what was put
			t.Errorf("%s %s %q %q was answered %d %s: %v", method, path, headers, body, w.Code, w.Body, err)
		}
	})
}

// wellFormed checks that a body is what its content type says.
func wellFormed(answer *http.Response) error {
	text, err := io.ReadAll(answer.Body)
	if err != nil || len(text) == 0 {
		return err
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch kind {
	case "application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1":
		if !json.Valid(text) || !utf8.Valid(text) {
			return errors.New("it is no JSON")
		}
	case "text/xml", "application/xml":
		for in := xml.NewDecoder(bytes.NewReader(text)); ; {
			if _, err := in.Token(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}
