"""The full loop with boto3: data, training, registry, deployment, calls, load, deletion. AWS_ENDPOINT_URL says where.

Arguments: the training and the held-out CSV (label first, no header), and the file for the scores of the held-out rows.
"""

import datetime
import json
import os
import struct
import sys
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/betimes"
train_csv, held_csv, scores_json = sys.argv[1:]
sm, rt, s3 = boto3.client("sagemaker"), boto3.client("sagemaker-runtime"), boto3.client("s3")
sns, sqs, cw, aas = boto3.client("sns"), boto3.client("sqs"), boto3.client("cloudwatch"), boto3.client("application-autoscaling")


def step(name):
    print(f"{time.monotonic() - step.began:6.2f} {name}", flush=True)


step.began = time.monotonic()


def advance(by):
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_emu/clock/advance", json.dumps({"by": by}).encode())
    with urllib.request.urlopen(request) as answer:
        return datetime.datetime.fromisoformat(json.load(answer)["now"][:19])


# Bucket and data.
s3.create_bucket(Bucket="loop")
s3.upload_file(train_csv, "loop", "train/part-0.csv")
held = [line.split(",", 1) for line in open(held_csv).read().split()]
rows = [row for _, row in held]
step("data is in the bucket")

# Training: two algorithms, side by side.
JOBS = {"xgboost": {"objective": "binary:logistic", "num_round": "60", "max_depth": "4", "eta": "0.3", "eval_metric": "auc"},
        "linear-learner": {"predictor_type": "binary_classifier", "epochs": "30"}}
for algorithm, parameters in JOBS.items():
    sm.create_training_job(
        TrainingJobName=algorithm, RoleArn=ROLE, HyperParameters=parameters,
        AlgorithmSpecification={"TrainingImage": f"builtin:{algorithm}", "TrainingInputMode": "File"},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://loop/train/"}}}],
        OutputDataConfig={"S3OutputPath": "s3://loop/models"}, StoppingCondition={"MaxRuntimeInSeconds": 600},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10})
artefacts = {}
for algorithm in JOBS:
    sm.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=algorithm)
    done = sm.describe_training_job(TrainingJobName=algorithm)
    assert done["TrainingJobStatus"] == "Completed", done
    artefacts[algorithm] = done["ModelArtifacts"]["S3ModelArtifacts"]
step("trained")

# Registry: a version of each, which must be approved before it can serve.
for algorithm in JOBS:
    sm.create_model_package_group(ModelPackageGroupName=algorithm)
    package = sm.create_model_package(
        ModelPackageGroupName=algorithm, ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={"Containers": [{"Image": f"builtin:{algorithm}", "ModelDataUrl": artefacts[algorithm]}],
                                "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]})["ModelPackageArn"]
    try:
        sm.create_model(ModelName=algorithm, ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": package})
        raise AssertionError("a version that is not approved became a model")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "ValidationException", e.response
    sm.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="good enough")
    sm.create_model(ModelName=algorithm, ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": package})
step("registered and approved")

# Deployment: each for itself, and the trees asynchronously as well.
queue = sqs.create_queue(QueueName="ended")["QueueUrl"]
topic = sns.create_topic(Name="ended")["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
slow = {"OutputConfig": {"S3OutputPath": "s3://loop/out", "S3FailurePath": "s3://loop/bad", "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic}}}
for name, model, more in [("xgboost", "xgboost", {}), ("linear-learner", "linear-learner", {}), ("slow", "xgboost", {"AsyncInferenceConfig": slow})]:
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[
        {"VariantName": "all", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.c5.xlarge"}], **more)
    sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
for name in ["xgboost", "linear-learner", "slow"]:
    sm.get_waiter("endpoint_in_service").wait(EndpointName=name)
step("in service")


# Calls, in every format: what goes in and what comes out must not change the scores.
def invoke(endpoint, content_type, body, accept):
    answer = rt.invoke_endpoint(EndpointName=endpoint, ContentType=content_type, Accept=accept, Body=body)
    assert answer["ContentType"].split(";")[0] == accept, answer
    return answer["Body"].read()


def record(row):
    """One RecordIO frame around a protobuf record with the tensor "values"."""
    numbers = struct.pack(f"<{len(row)}f", *row)
    field = lambda number, data: bytes([number << 3 | 2]) + varint(len(data)) + data
    data = field(1, field(1, b"values") + field(2, field(2, field(1, numbers))))
    return struct.pack("<II", 0xCED7230A, len(data)) + data + bytes(-len(data) % 4)


def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def label(frames, name):
    """The numbers of a label, one per RecordIO frame."""
    while frames:
        magic, length = struct.unpack_from("<II", frames)
        assert magic == 0xCED7230A, hex(magic)
        data, frames = frames[8:8 + length], frames[8 + length + -length % 4:]
        at = data.index(name) + len(name)  # then: value, float32 tensor, values, each with its length
        yield struct.unpack("<f", data[at + 6:at + 10])[0]


def same(one, other):
    assert len(one) == len(other) == len(rows) and all(abs(a - b) < 1e-5 for a, b in zip(one, other)), (one[:3], other[:3])


def csv(answer):
    return [float(x) for x in answer.replace(b",", b"\n").split()]


def predictions(answer):
    return [p["score"] for p in json.loads(answer)["predictions"]]


def lines(answer):
    return [json.loads(line)["score"] for line in answer.splitlines()]


CSV, JSON, LINES, RECORDIO = "text/csv", "application/json", "application/jsonlines", "application/x-recordio-protobuf"
body = "\n".join(rows)
features = [[float(x) for x in row.split(",")] for row in rows]
records = b"".join(record(f) for f in features)
scores = {"labels": [int(y) for y, _ in held], "xgboost": csv(invoke("xgboost", CSV, body, CSV)), "linear-learner": predictions(invoke("linear-learner", CSV, body, JSON))}
same(scores["xgboost"], predictions(invoke("xgboost", CSV, body, JSON)))
same(scores["xgboost"], lines(invoke("xgboost", RECORDIO, records, LINES)))
same(scores["xgboost"], list(label(invoke("xgboost", CSV, body, RECORDIO), b"score")))
same(scores["linear-learner"], predictions(invoke("linear-learner", JSON, json.dumps({"instances": [{"features": f} for f in features]}), JSON)))
same(scores["linear-learner"], lines(invoke("linear-learner", LINES, "\n".join(json.dumps({"features": f}) for f in features), LINES)))
same(scores["linear-learner"], list(label(invoke("linear-learner", RECORDIO, records, RECORDIO), b"score")))
json.dump(scores, open(scores_json, "w"))
step("called in csv, json, json lines and recordio")

# Asynchronous: input from S3 and in the request; SNS tells a queue; a bad one fails.
s3.put_object(Bucket="loop", Key="in.csv", Body=body)
asked = {}
for i, source in enumerate([{"InputLocation": "s3://loop/in.csv"}, {"Body": body.encode()}, {"Body": b"no numbers"}]):
    asked[f"call-{i}"] = rt.invoke_endpoint_async(EndpointName="slow", ContentType=CSV, Accept=CSV, InferenceId=f"call-{i}", **source)
ended = {}
while len(ended) < len(asked):
    for m in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MaxNumberOfMessages=10)["Messages"]:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])
        notice = json.loads(json.loads(m["Body"])["Message"])
        if notice["eventName"] == "InferenceResult":
            ended[notice["inferenceId"]] = notice
assert [ended[f"call-{i}"]["invocationStatus"] for i in range(3)] == ["Completed", "Completed", "Failed"], ended
for name in ["call-0", "call-1"]:
    bucket, key = ended[name]["responseParameters"]["outputLocation"].removeprefix("s3://").split("/", 1)
    assert ended[name]["responseParameters"]["outputLocation"] == asked[name]["OutputLocation"], ended[name]
    same(scores["xgboost"], csv(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
assert "415" in ended["call-2"]["failureReason"], ended["call-2"]
assert s3.get_object(Bucket="loop", Key=asked["call-2"]["FailureLocation"].removeprefix("s3://loop/"))["Body"].read()
step("asked asynchronously")

# Load in advanced time: metric, alarm, activity, instances, cooldown, scale-in.
target = dict(ServiceNamespace="sagemaker", ResourceId="endpoint/xgboost/variant/all", ScalableDimension="sagemaker:variant:DesiredInstanceCount")
aas.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
policy = aas.put_scaling_policy(**target, PolicyName="track", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
    "TargetValue": 5.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}, "ScaleOutCooldown": 300, "ScaleInCooldown": 120})
high, low = [a["AlarmName"] for a in policy["Alarms"]]


def minute(calls):
    for _ in range(calls):
        invoke("xgboost", CSV, rows[0], CSV)
    advance("1m")


def updates(alarm):
    """The states an alarm went to, the first one first."""
    items = cw.describe_alarm_history(AlarmName=alarm, HistoryItemType="StateUpdate", ScanBy="TimestampAscending")["AlarmHistoryItems"]
    return [json.loads(i["HistoryData"])["newState"]["stateValue"] for i in items]


def instances():
    sm.get_waiter("endpoint_in_service").wait(EndpointName="xgboost")
    return sm.describe_endpoint(EndpointName="xgboost")["ProductionVariants"][0]["CurrentInstanceCount"]


advance(f"{75 - advance('0s').second}s")  # the calls of a minute are far from its ends
for _ in range(4):
    minute(9)
assert instances() == 2 and "ALARM" in updates(high), (instances(), updates(high))
for _ in range(2):
    minute(21)
assert instances() == 2, "within the cooldown of five minutes nothing is added"
for _ in range(4):
    minute(21)
assert instances() == 3, instances()
for _ in range(25):
    minute(1)
assert instances() == 1 and updates(high)[-1] == "OK" and "ALARM" in updates(low), (instances(), updates(high), updates(low))
activities = aas.describe_scaling_activities(**target)["ScalingActivities"]
assert [a["Description"] for a in activities] == [f"Setting desired instance count to {n}." for n in (1, 3, 2)], activities
assert all(a["StatusCode"] == "Successful" for a in activities) and high in activities[-1]["Cause"] and low in activities[0]["Cause"], activities
point = [{"Name": "EndpointName", "Value": "xgboost"}, {"Name": "VariantName", "Value": "all"}]
now = advance("0s")
counted = cw.get_metric_statistics(Namespace="AWS/SageMaker", MetricName="Invocations", Dimensions=point, Period=3600, Statistics=["Sum"],
                                   StartTime=now - datetime.timedelta(hours=3), EndTime=now + datetime.timedelta(hours=1))["Datapoints"]
assert sum(p["Sum"] for p in counted) == 4 + 4 * 9 + 6 * 21 + 25, counted
step("scaled out and in")

# Away with it.
for name in ["xgboost", "linear-learner", "slow"]:
    sm.delete_endpoint(EndpointName=name)
for name in ["xgboost", "linear-learner", "slow"]:
    sm.get_waiter("endpoint_deleted").wait(EndpointName=name)
    sm.delete_endpoint_config(EndpointConfigName=name)
assert aas.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == [], "the target went with its endpoint"
assert cw.describe_alarms()["MetricAlarms"] == []
for algorithm in JOBS:
    sm.delete_model(ModelName=algorithm)
    for p in sm.list_model_packages(ModelPackageGroupName=algorithm)["ModelPackageSummaryList"]:
        sm.delete_model_package(ModelPackageName=p["ModelPackageArn"])
    sm.delete_model_package_group(ModelPackageGroupName=algorithm)
sqs.delete_queue(QueueUrl=queue)
sns.delete_topic(TopicArn=topic)
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="loop"):
    s3.delete_objects(Bucket="loop", Delete={"Objects": [{"Key": o["Key"]} for o in page["Contents"]]})
s3.delete_bucket(Bucket="loop")
assert sm.list_models()["Models"] == sm.list_endpoints()["Endpoints"] == s3.list_buckets()["Buckets"] == []
step("deleted")
