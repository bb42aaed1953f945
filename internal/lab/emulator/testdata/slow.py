"""Asynchronous inference and response streams with boto3."""
import json
import time

from botocore.exceptions import ClientError

import shapes

sm, runtime, s3 = shapes.client("sagemaker"), shapes.client("sagemaker-runtime"), shapes.client("s3")
sns, sqs = shapes.client("sns"), shapes.client("sqs")


def serve(name, **config):
    sm.create_model(ModelName=name, PrimaryContainer={"Image": "builtin:echo"}, ExecutionRoleArn="arn:aws:iam::000000000000:role/betimes")
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.c5.large"}], **config)
    sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sm.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})


s3.create_bucket(Bucket="data")
s3.put_object(Bucket="data", Key="in.csv", Body=b"from S3")
topic = sns.create_topic(Name="ended")["TopicArn"]
queue = sqs.create_queue(QueueName="ended")["QueueUrl"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
output = {"S3OutputPath": "s3://data/out", "S3FailurePath": "s3://data/bad", "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic}}
serve("slow", AsyncInferenceConfig={"OutputConfig": output, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2}})
assert sm.describe_endpoint(EndpointName="slow")["AsyncInferenceConfig"]["OutputConfig"] == output
assert sm.describe_endpoint_config(EndpointConfigName="slow")["AsyncInferenceConfig"]["OutputConfig"] == output


def ended():
    while True:
        for m in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])
            notice = json.loads(json.loads(m["Body"])["Message"])
            if notice["eventName"] == "InferenceResult":
                return notice
            assert notice["eventName"] == "TestNotification"


for body, arguments in ((b"from S3", {"InputLocation": "s3://data/in.csv"}), (b"inline", {"Body": b"inline"})):
    answer = runtime.invoke_endpoint_async(EndpointName="slow", ContentType="text/csv", InferenceId="mine", **arguments)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202 and answer["InferenceId"] == "mine" and answer["FailureLocation"].startswith("s3://data/bad/"), answer
    key = answer["OutputLocation"].removeprefix("s3://data/")
    deadline = time.monotonic() + 10
    while True:
        try:
            assert s3.get_object(Bucket="data", Key=key)["Body"].read() == body
            break
        except s3.exceptions.NoSuchKey:
            assert time.monotonic() < deadline
    notice = ended()
    assert notice["invocationStatus"] == "Completed" and notice["inferenceId"] == "mine" and notice["responseParameters"]["outputLocation"] == answer["OutputLocation"], notice
runtime.invoke_endpoint_async(EndpointName="slow", InputLocation="s3://data/none")
assert ended()["invocationStatus"] == "Failed"
try:
    runtime.invoke_endpoint(EndpointName="slow", Body=b"x")
    raise AssertionError("a synchronous call was answered")
except ClientError as e:
    assert e.response["Error"]["Code"] == "ValidationError", e.response

serve("words")
answer = runtime.invoke_endpoint_with_response_stream(EndpointName="words", Body=b"hello", ContentType="text/plain")
assert answer["ContentType"] == "text/plain" and answer["InvokedProductionVariant"] == "all", answer
assert b"".join(e["PayloadPart"]["Bytes"] for e in answer["Body"]) == b"hello"
shapes.done()
