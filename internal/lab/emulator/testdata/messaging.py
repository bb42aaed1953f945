"""Topics and queues with boto3; every reply is compared with the service models."""
import json
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread

from botocore.exceptions import ClientError

import shapes

sns, sqs = shapes.client("sns"), shapes.client("sqs")


def call(client, operation, **members):
    method = "".join(("_" + c.lower() if c.isupper() and i else c.lower()) for i, c in enumerate(operation))
    return getattr(client, method)(**members)


def refused(code, client, operation, **members):
    try:
        call(client, operation, **members)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e
    raise AssertionError(operation + " was not refused")


url = call(sqs, "CreateQueue", QueueName="work", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
assert call(sqs, "GetQueueUrl", QueueName="work")["QueueUrl"] == url
assert call(sqs, "ListQueues", QueueNamePrefix="wo")["QueueUrls"] == [url]
attributes = {"n": {"DataType": "Number", "StringValue": "5"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}
call(sqs, "SendMessage", QueueUrl=url, MessageBody="hello \u00e9", MessageAttributes=attributes)
batch = call(sqs, "SendMessageBatch", QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 900}])
assert len(batch["Successful"]) == 2
counts = call(sqs, "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesDelayed"], counts["VisibilityTimeout"]) == ("2", "1", "60"), counts
got = call(sqs, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])["Messages"]
assert [m["Body"] for m in got] == ["hello \u00e9", "1"] and got[0]["MessageAttributes"] == attributes, got
assert got[0]["Attributes"]["ApproximateReceiveCount"] == "1"
call(sqs, "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"], VisibilityTimeout=0)
again = call(sqs, "ReceiveMessage", QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
assert again[0]["Attributes"] == {"ApproximateReceiveCount": "2"}, again
done = call(sqs, "DeleteMessageBatch", QueueUrl=url, Entries=[{"Id": "x", "ReceiptHandle": again[0]["ReceiptHandle"]}, {"Id": "y", "ReceiptHandle": "none"}])
assert [d["Id"] for d in done["Successful"]] == ["x"] and done["Failed"][0]["Id"] == "y", done
call(sqs, "PurgeQueue", QueueUrl=url)
assert "Messages" not in call(sqs, "ReceiveMessage", QueueUrl=url)
call(sqs, "SetQueueAttributes", QueueUrl=url, Attributes={"DelaySeconds": "0"})
error = refused("AWS.SimpleQueueService.NonExistentQueue", sqs, "GetQueueUrl", QueueName="none")
assert isinstance(error, sqs.exceptions.QueueDoesNotExist)

topic = call(sns, "CreateTopic", Name="news", Attributes={"DisplayName": "News"})["TopicArn"]
assert call(sns, "CreateTopic", Name="news")["TopicArn"] == topic
for i in range(120):
    sns.create_topic(Name=f"many-{i:03}")
assert sum(len(p["Topics"]) for p in sns.get_paginator("list_topics").paginate()) == 121
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
subscription = call(sns, "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
message = call(sns, "Publish", TopicArn=topic, Message="<text> & more", Subject="s", MessageAttributes={"kind": {"DataType": "String", "StringValue": "x"}})["MessageId"]
notice = json.loads(call(sqs, "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"])
assert notice["Message"] == "<text> & more" and notice["MessageId"] == message and notice["MessageAttributes"] == {"kind": {"Type": "String", "Value": "x"}}, notice
call(sns, "SetSubscriptionAttributes", SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true")
assert call(sns, "GetSubscriptionAttributes", SubscriptionArn=subscription)["Attributes"]["RawMessageDelivery"] == "true"
call(sns, "Publish", TargetArn=topic, MessageStructure="json", Message=json.dumps({"default": "d", "sqs": "for queues"}))
assert call(sqs, "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == "for queues"

posts = Queue()


class Subscriber(BaseHTTPRequestHandler):
    def do_POST(self):
        posts.put((self.headers["x-amz-sns-message-type"], self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Subscriber)
Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_port}/sns"
assert call(sns, "Subscribe", TopicArn=topic, Protocol="http", Endpoint=endpoint)["SubscriptionArn"] == "pending confirmation"
kind, body = posts.get(timeout=10)
assert kind == "SubscriptionConfirmation"
over_http = call(sns, "ConfirmSubscription", TopicArn=topic, Token=json.loads(body)["Token"])["SubscriptionArn"]
call(sns, "Publish", TopicArn=topic, Message="to both")
kind, body = posts.get(timeout=10)
notice = json.loads(body)
assert kind == "Notification" and notice["Message"] == "to both"
urllib.request.urlopen(notice["UnsubscribeURL"]).read()
left = call(sns, "ListSubscriptionsByTopic", TopicArn=topic)["Subscriptions"]
assert [s["SubscriptionArn"] for s in left] == [subscription], left
assert call(sns, "ListSubscriptions")["Subscriptions"] == left
assert call(sns, "GetTopicAttributes", TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
call(sns, "Unsubscribe", SubscriptionArn=subscription)
refused("NotFound", sns, "Publish", TopicArn=topic + "x", Message="m")
call(sns, "DeleteTopic", TopicArn=topic)

# An alarm tells a topic.
call(sqs, "PurgeQueue", QueueUrl=url)
alarms = sns.create_topic(Name="alarms")["TopicArn"]
sns.subscribe(TopicArn=alarms, Protocol="sqs", Endpoint=arn)
watch = shapes.client("cloudwatch")
watch.put_metric_alarm(AlarmName="hot", Namespace="own", MetricName="heat", Statistic="Average", Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold", AlarmActions=[alarms])
watch.set_alarm_state(AlarmName="hot", StateValue="ALARM", StateReason="try")
notice = json.loads(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"])
assert notice["Subject"].startswith("ALARM:") and json.loads(notice["Message"])["NewStateValue"] == "ALARM", notice
call(sqs, "DeleteQueue", QueueUrl=url)
shapes.done()
