"""Calls every operation that the emulator has beside the control plane's and compares each reply with botocore's model."""

import datetime
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread

import boto3
from botocore.exceptions import ClientError, EventStreamError

import shapes

own = shapes.own
ROLE = "arn:aws:iam::000000000000:role/betimes"


def refused(code, call, **request):
    try:
        call(**request)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return
    raise AssertionError(f"{code} expected")


def now():
    return datetime.datetime.fromisoformat(own("/_emu/state")["now"][:19] + "+00:00")


class Subscriber(BaseHTTPRequestHandler):
    """Takes what a topic asks of an HTTP server."""

    asked = Queue()

    def do_POST(self):
        self.asked.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


# Who asks.
shapes.client("sts").get_caller_identity()
iam = shapes.client("iam")
role = iam.get_role(RoleName="betimes")["Role"]
assert role["Arn"] == ROLE and role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "sagemaker.amazonaws.com"}, role
refused("ValidationError", iam.get_role, RoleName="no spaces")
refused("InvalidAction", iam.list_roles)
ecr = shapes.client("ecr")
token, = ecr.get_authorization_token()["authorizationData"]
assert token["proxyEndpoint"] == "https://000000000000.dkr.ecr.us-east-1.amazonaws.com" and token["expiresAt"].timestamp() > now().timestamp() + 11 * 3600, token
refused("UnknownOperationException", ecr.describe_repositories)

# S3.
s3 = shapes.client("s3")
s3.create_bucket(Bucket="data")
s3.list_buckets()
s3.head_bucket(Bucket="data")
s3.get_bucket_location(Bucket="data")
s3.put_object(Bucket="data", Key="a/one", Body=b"hello world", Metadata={"who": "me"}, ContentType="text/plain", CacheControl="no-cache")
got = s3.get_object(Bucket="data", Key="a/one", ChecksumMode="ENABLED")
assert got["Body"].read() == b"hello world" and got["ChecksumCRC32"], got
assert s3.get_object(Bucket="data", Key="a/one", Range="bytes=0-4")["ContentRange"] == "bytes 0-4/11"
refused("304", s3.get_object, Bucket="data", Key="a/one", IfNoneMatch=got["ETag"])
refused("NoSuchKey", s3.get_object, Bucket="data", Key="none")
refused("404", s3.head_object, Bucket="data", Key="none")
refused("NoSuchBucket", s3.list_objects, Bucket="none")
refused("InvalidRange", s3.get_object, Bucket="data", Key="a/one", Range="bytes=99-")
refused("PreconditionFailed", s3.put_object, Bucket="data", Key="a/one", Body=b"", IfNoneMatch="*")
refused("NotImplemented", s3.get_object_tagging, Bucket="data", Key="a/one")
refused("BucketNotEmpty", s3.delete_bucket, Bucket="data")
s3.head_object(Bucket="data", Key="a/one")
s3.copy_object(Bucket="data", Key="b", CopySource={"Bucket": "data", "Key": "a/one"})
for query in [{}, {"Delimiter": "/"}, {"MaxKeys": 1, "EncodingType": "url"}]:
    s3.list_objects(Bucket="data", **query)
    s3.list_objects_v2(Bucket="data", StartAfter="A", **query)
upload = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
part = dict(Bucket="data", Key="parts", UploadId=upload)
big = bytes(5 << 20)
tags = [s3.upload_part(PartNumber=1, Body=big, **part)["ETag"],
        s3.upload_part_copy(PartNumber=2, CopySource="data/a/one", CopySourceRange="bytes=6-10", **part)["CopyPartResult"]["ETag"]]
refused("InvalidArgument", s3.upload_part_copy, PartNumber=3, CopySource="data/a/one", CopySourceRange="bytes=6-11", **part)
assert [p["Size"] for p in s3.list_parts(**part)["Parts"]] == [5 << 20, 5]
assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket="data")["Uploads"]] == [upload]
s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": i + 1, "ETag": t} for i, t in enumerate(tags)]}, **part)
assert s3.get_object(Bucket="data", Key="parts", Range="bytes=-5")["Body"].read() == b"world"
part["UploadId"] = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
s3.abort_multipart_upload(**part)
refused("NoSuchUpload", s3.list_parts, **part)
s3.delete_object(Bucket="data", Key="b")
s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "parts"}, {"Key": "none"}]})

# Queues and topics.
sqs, sns = shapes.client("sqs"), shapes.client("sns")
url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
assert sqs.get_queue_url(QueueName="work")["QueueUrl"] == url and sqs.list_queues()["QueueUrls"] == [url]
sqs.set_queue_attributes(QueueUrl=url, Attributes={"ReceiveMessageWaitTimeSeconds": "0"})
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"]
sqs.send_message(QueueUrl=url, MessageBody="one", MessageAttributes={"n": {"DataType": "Number", "StringValue": "5"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00"}})
sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 901}])
got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])["Messages"]
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"], VisibilityTimeout=0)
sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "x", "ReceiptHandle": got[1]["ReceiptHandle"]}, {"Id": "y", "ReceiptHandle": "none"}])
sqs.purge_queue(QueueUrl=url)
refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="none")
refused("ReceiptHandleIsInvalid", sqs.delete_message, QueueUrl=url, ReceiptHandle="none")
refused("QueueAlreadyExists", sqs.create_queue, QueueName="work", Attributes={"VisibilityTimeout": "61"})
topic = sns.create_topic(Name="news", Attributes={"DisplayName": "News"})["TopicArn"]
sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="New")
sns.get_topic_attributes(TopicArn=topic)
for i in range(101):
    sns.create_topic(Name=f"many-{i}")
for page in sns.get_paginator("list_topics").paginate():
    pass
one = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
server = HTTPServer(("127.0.0.1", 0), Subscriber)
sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/", ReturnSubscriptionArn=True)
Thread(target=server.serve_forever, daemon=True).start()
sns.confirm_subscription(TopicArn=topic, Token=Subscriber.asked.get(timeout=10)["Token"])
sns.get_subscription_attributes(SubscriptionArn=one)
sns.set_subscription_attributes(SubscriptionArn=one, AttributeName="RawMessageDelivery", AttributeValue="true")
sns.list_subscriptions()
sns.list_subscriptions_by_topic(TopicArn=topic)
sns.publish(TopicArn=topic, Message="x", Subject="s", MessageAttributes={"kind": {"DataType": "String", "StringValue": "x"}})
refused("NotFound", sns.publish, TopicArn=topic + "x", Message="x")
refused("InvalidParameter", sns.confirm_subscription, TopicArn=topic, Token="none")
sns.unsubscribe(SubscriptionArn=one)

# The runtime, and CloudWatch and autoscaling over what it measures.
sm = boto3.client("sagemaker", config=shapes.settings)
rt = shapes.client("sagemaker-runtime")
sm.create_model(ModelName="echo", PrimaryContainer={"Image": "builtin:echo"})
variant = {"VariantName": "all", "ModelName": "echo", "InitialInstanceCount": 1, "InstanceType": "ml.c5.xlarge"}
sm.create_endpoint_config(EndpointConfigName="echo", ProductionVariants=[variant])
sm.create_endpoint_config(EndpointConfigName="slow", ProductionVariants=[variant], AsyncInferenceConfig={
    "OutputConfig": {"S3OutputPath": "s3://data/out", "S3FailurePath": "s3://data/bad", "NotificationConfig": {"SuccessTopic": topic}}})
for name in ["echo", "slow"]:
    sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sm.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
answer = rt.invoke_endpoint(EndpointName="echo", Body=b"1,2", ContentType="text/csv", CustomAttributes="a=1", InferenceId="one")
assert answer["Body"].read() == b"1,2" and answer["ContentType"] == "text/csv", answer
answer = rt.invoke_endpoint_with_response_stream(EndpointName="echo", Body=b"1,2", ContentType="text/csv")
assert [e["PayloadPart"]["Bytes"] for e in answer["Body"]] == [b"1,2"]
for fault, error in [({"fault": "stream_error", "code": "ModelInvocationTimeExceeded"}, "ModelStreamError"), ({"fault": "stream_failure"}, "InternalStreamFailure")]:
    own("/_emu/faults", fault | {"count": 1})
    parts = iter(rt.invoke_endpoint_with_response_stream(EndpointName="echo", Body=b"1234")["Body"])
    assert next(parts)["PayloadPart"]["Bytes"] == b"12"
    try:
        next(parts)
        raise AssertionError("the stream goes on")
    except EventStreamError as e:
        assert e.response["Error"]["Code"] == error, e.response
answer = rt.invoke_endpoint_async(EndpointName="slow", Body=b"1,2", ContentType="text/csv", InferenceId="one")
assert answer["InferenceId"] == "one", answer
refused("ValidationError", rt.invoke_endpoint, EndpointName="none", Body=b"1")
refused("ValidationError", rt.invoke_endpoint_async, EndpointName="echo", InputLocation="s3://data/a")
for kind, code in [("throttle", "ThrottlingException"), ("model_error", "ModelError"), ("not_ready", "ModelNotReadyException"), ("internal", "InternalFailure"),
                   ("unavailable", "ServiceUnavailable"), ("dependency", "InternalDependencyException")]:
    own("/_emu/faults", {"fault": kind, "count": 1})
    refused(code, rt.invoke_endpoint, EndpointName="echo", Body=b"1")


def watched(cw):
    """Every operation of CloudWatch, over one protocol."""
    dims = [{"Name": "shop", "Value": "a & <b>"}]
    cw.put_metric_data(Namespace="shop", MetricData=[
        {"MetricName": "load", "Dimensions": dims, "Value": 3.5, "Unit": "Count", "Timestamp": now()},
        {"MetricName": "load", "Dimensions": dims, "Values": [1.0, 2.0], "Counts": [2, 1], "Unit": "Count"},
        {"MetricName": "sets", "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}, "StorageResolution": 1}])
    span = dict(StartTime=now() - datetime.timedelta(hours=1), EndTime=now() + datetime.timedelta(hours=1))
    stat = {"Metric": {"Namespace": "shop", "MetricName": "load", "Dimensions": dims}, "Period": 60, "Stat": "Maximum"}
    assert 3.5 in cw.get_metric_data(MetricDataQueries=[{"Id": "q", "MetricStat": stat}], **span)["MetricDataResults"][0]["Values"]
    for statistics in [{"Statistics": ["Sum", "Average", "SampleCount", "Minimum", "Maximum"]}, {"ExtendedStatistics": ["p50", "p99.9"]}]:
        cw.get_metric_statistics(Namespace="shop", MetricName="load", Dimensions=dims, Period=60, **statistics, **span)
    cw.list_metrics(Namespace="shop")
    cw.put_metric_alarm(AlarmName="high", Namespace="shop", MetricName="load", Dimensions=dims, Statistic="Maximum", Period=60, EvaluationPeriods=2, DatapointsToAlarm=1,
                        Threshold=3.0, ComparisonOperator="GreaterThanThreshold", AlarmActions=[topic], TreatMissingData="ignore", AlarmDescription="d", Unit="Count")
    cw.put_metric_alarm(AlarmName="p", Namespace="shop", MetricName="load", ExtendedStatistic="p99", Period=10, EvaluationPeriods=1, Threshold=3, ComparisonOperator="LessThanThreshold")
    own("/_emu/clock/advance", {"by": "2m"})
    cw.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="tried", StateReasonData="{}")
    cw.disable_alarm_actions(AlarmNames=["high"])
    cw.enable_alarm_actions(AlarmNames=["high"])
    for query in [{}, {"AlarmNamePrefix": "h"}, {"StateValue": "ALARM"}, {"MaxRecords": 1}]:
        cw.describe_alarms(**query)
    cw.describe_alarm_history(AlarmName="high", MaxRecords=2)
    refused("ResourceNotFound", cw.set_alarm_state, AlarmName="none", StateValue="OK", StateReason="x")
    refused("InvalidParameterValue", cw.put_metric_data, Namespace="AWS/Own", MetricData=[{"MetricName": "x", "Value": 1.0}])
    refused("InvalidNextToken", cw.describe_alarms, NextToken="none")
    cw.delete_alarms(AlarmNames=["high", "p"])


protocols = ["json", "query", "smithy-rpc-v2-cbor"]
for protocol in protocols:
    watched(shapes.client("cloudwatch", protocol))

# Autoscaling.
aas = shapes.client("application-autoscaling")
target = dict(ServiceNamespace="sagemaker", ResourceId="endpoint/echo/variant/all", ScalableDimension="sagemaker:variant:DesiredInstanceCount")
refused("ObjectNotFoundException", aas.deregister_scalable_target, **target)
refused("ValidationException", aas.register_scalable_target, **target | {"ResourceId": "endpoint/none/variant/all"}, MinCapacity=1, MaxCapacity=2)
aas.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4, SuspendedState={"ScheduledScalingSuspended": False})
track = {"TargetValue": 4.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}
step = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}], "Cooldown": 60, "MetricAggregationType": "Average"}
aas.put_scaling_policy(**target, PolicyName="track", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=track)
aas.put_scaling_policy(**target, PolicyName="step", PolicyType="StepScaling", StepScalingPolicyConfiguration=step)
aas.describe_scaling_policies(ServiceNamespace="sagemaker")
action = {"MinCapacity": 2, "MaxCapacity": 4}
aas.put_scheduled_action(**target, ScheduledActionName="peak", Schedule="rate(1 minute)", Timezone="Europe/Berlin", ScalableTargetAction=action)
own("/_emu/clock/advance", {"by": "2m"})
aas.describe_scheduled_actions(ServiceNamespace="sagemaker")
aas.describe_scalable_targets(ServiceNamespace="sagemaker")
assert aas.describe_scaling_activities(**target, IncludeNotScaledActivities=True)["ScalingActivities"]
refused("ObjectNotFoundException", aas.delete_scaling_policy, **target, PolicyName="none")
refused("UnknownOperationException", aas.get_predictive_scaling_forecast, **target, PolicyName="track", StartTime=now(), EndTime=now())
aas.delete_scaling_policy(**target, PolicyName="track")
aas.delete_scheduled_action(**target, ScheduledActionName="peak")
aas.deregister_scalable_target(**target)

# Logs.
logs = shapes.client("logs")
group = "/aws/sagemaker/TrainingJobs"
refused("ResourceNotFoundException", logs.describe_log_streams, logGroupName=group)
s3.put_object(Bucket="data", Key="in/a.csv", Body="".join(f"{i % 2},{i % 2},{i % 7}\n" for i in range(100)).encode())
sm.create_training_job(
    TrainingJobName="job", RoleArn=ROLE, HyperParameters={"num_round": "3"}, AlgorithmSpecification={"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"},
    InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}}}],
    OutputDataConfig={"S3OutputPath": "s3://data/out"}, StoppingCondition={"MaxRuntimeInSeconds": 600},
    ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10})
sm.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="job", WaiterConfig={"Delay": 1})
logs.describe_log_groups(logGroupNamePrefix="/aws")
for order in ["LogStreamName", "LastEventTime"]:
    stream, = logs.describe_log_streams(logGroupName=group, orderBy=order, descending=True)["logStreams"]
assert logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
refused("InvalidParameterException", logs.get_log_events, logGroupName=group, logStreamName=stream["logStreamName"], nextToken="none")

# Away with it.
topics = [t for page in sns.get_paginator("list_topics").paginate() for t in page["Topics"]]
for t in topics:
    sns.delete_topic(TopicArn=t["TopicArn"])
sqs.delete_queue(QueueUrl=url)
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="data"):
    for o in page["Contents"]:
        s3.delete_object(Bucket="data", Key=o["Key"])
s3.delete_bucket(Bucket="data")
services = set(own("/_emu/operations")) - {"sagemaker", "cloudwatch"}
shapes.done(*services, *("cloudwatch/" + p for p in protocols))
