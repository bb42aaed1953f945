"""Changes endpoints under traffic, with boto3 and on the emulator's clock. AWS_ENDPOINT_URL says where it is."""

import json
import os
import urllib.request

import boto3
from botocore.exceptions import ClientError

sm, rt = boto3.client("sagemaker"), boto3.client("sagemaker-runtime")
cw, aas, s3 = boto3.client("cloudwatch"), boto3.client("application-autoscaling"), boto3.client("s3")
ROLE = "arn:aws:iam::000000000000:role/betimes"


def advance(by):
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_emu/clock/advance", json.dumps({"by": by}).encode())
    urllib.request.urlopen(request).read()


def variant(model, **more):
    return {"VariantName": model, "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.c5.xlarge"} | more


def describe(name):
    return sm.describe_endpoint(EndpointName=name)


def in_service(name):
    """The waiter of boto3: it only knows InService."""
    sm.get_waiter("endpoint_in_service").wait(EndpointName=name)
    return describe(name)


def calls(name, n):
    """How often each variant answered, and how often a model failed."""
    seen = {}
    for _ in range(n):
        try:
            key = rt.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=b"1")["InvokedProductionVariant"]
        except ClientError as e:
            key = e.response["Error"]["Code"]
        seen[key] = seen.get(key, 0) + 1
    return seen


# Three models: one that answers, its successor, and one that refuses every row because it knows two features.
s3.create_bucket(Bucket="data")
s3.put_object(Bucket="data", Key="train/a.csv", Body=b"1,0.9,1\n0,0.1,1\n" * 50)
sm.create_training_job(
    TrainingJobName="two", RoleArn=ROLE, AlgorithmSpecification={"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"}, HyperParameters={"num_round": "2"},
    InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}}],
    OutputDataConfig={"S3OutputPath": "s3://data/models"}, StoppingCondition={"MaxRuntimeInSeconds": 600},
    ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10})
advance("10m")
artefact = sm.describe_training_job(TrainingJobName="two")["ModelArtifacts"]["S3ModelArtifacts"]
for name, container in [("old", {"Image": "builtin:echo"}), ("new", {"Image": "builtin:profile?p50=1us"}), ("bad", {"Image": "builtin:xgboost", "ModelDataUrl": artefact})]:
    sm.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant(name, VariantName="all", InitialInstanceCount=4)])
sm.create_endpoint(EndpointName="shop", EndpointConfigName="old")
advance("10m")
assert in_service("shop")["EndpointConfigName"] == "old"

# A canary of a quarter that is well: everything moves to it.
canary = {"BlueGreenUpdatePolicy": {
    "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25}},
    "TerminationWaitInSeconds": 60}}
sm.update_endpoint(EndpointName="shop", EndpointConfigName="new", DeploymentConfig=canary)
advance("8m")
assert describe("shop")["EndpointStatus"] == "Updating"
echoed = sum(rt.invoke_endpoint(EndpointName="shop", Body=b"1")["Body"].read() == b"1" for _ in range(300))
assert 170 < echoed < 275, f"{echoed} of 300 calls went to the old fleet, not about three quarters"
advance("20m")
live = in_service("shop")
assert live["EndpointConfigName"] == "new" and "FailureReason" not in live, live
assert all(rt.invoke_endpoint(EndpointName="shop", Body=b"1")["Body"].read() != b"1" for _ in range(20))

# A canary whose own fleet fails: an alarm on its metric rolls it back. The waiter says InService all the same.
green = [{"Name": "EndpointName", "Value": "shop"}, {"Name": "VariantName", "Value": "all"}, {"Name": "EndpointConfigName", "Value": "bad"}]
cw.put_metric_alarm(AlarmName="errors", Namespace="AWS/SageMaker", MetricName="Invocation4XXErrors", Dimensions=green, Statistic="Average", Period=60,
                    EvaluationPeriods=1, Threshold=0.5, ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching")
sm.update_endpoint(EndpointName="shop", EndpointConfigName="bad", DeploymentConfig=canary | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}})
advance("8m")
seen = calls("shop", 60)
assert 2 < seen["ModelError"] < 30, seen
states = []
for _ in range(20):
    advance("10s")
    live = describe("shop")
    states += [live["EndpointStatus"]] * (live["EndpointStatus"] not in states)
assert states == ["Updating", "RollingBack", "InService"], states
live = in_service("shop")
assert live["EndpointConfigName"] == "new" and "errors" in live["FailureReason"], live
assert calls("shop", 30) == {"all": 30}
assert cw.describe_alarms(AlarmNames=["errors"])["MetricAlarms"][0]["StateValue"] == "ALARM"

# Weights change under traffic, at once.
sm.create_endpoint_config(EndpointConfigName="pair", ProductionVariants=[variant("old"), variant("new", InitialVariantWeight=0)])
sm.create_endpoint(EndpointName="pair", EndpointConfigName="pair")
advance("10m")
assert in_service("pair") and calls("pair", 50) == {"old": 50}


def weigh(old, new):
    sm.update_endpoint_weights_and_capacities(EndpointName="pair", DesiredWeightsAndCapacities=[
        {"VariantName": "old", "DesiredWeight": old}, {"VariantName": "new", "DesiredWeight": new}])
    advance("1s")
    live = in_service("pair")["ProductionVariants"]
    assert {v["VariantName"]: (v["CurrentWeight"], v["DesiredWeight"], v["CurrentInstanceCount"]) for v in live} == {"old": (old, old, 1), "new": (new, new, 1)}, live
    return calls("pair", 300)


seen = weigh(1.0, 3.0)
assert 180 < seen["new"] < 265, seen
assert weigh(0.0, 1.0) == {"new": 300}
assert rt.invoke_endpoint(EndpointName="pair", TargetVariant="old", Body=b"1")["InvokedProductionVariant"] == "old", "a name is asked whatever its weight"

# What was scaled keeps its count when that is retained, and falls back when it is not.
target = dict(ServiceNamespace="sagemaker", ResourceId="endpoint/shop/variant/all", ScalableDimension="sagemaker:variant:DesiredInstanceCount")
aas.register_scalable_target(**target, MinCapacity=1, MaxCapacity=8)
aas.put_scaling_policy(**target, PolicyName="step", PolicyType="StepScaling", StepScalingPolicyConfiguration={
    "AdjustmentType": "ExactCapacity", "Cooldown": 0, "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 7}]})
policy = aas.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"][0]["PolicyARN"]
cw.put_metric_alarm(AlarmName="busy", Namespace="own", MetricName="busy", Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=1,
                    ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching", AlarmActions=[policy])
cw.put_metric_data(Namespace="own", MetricData=[{"MetricName": "busy", "Value": 5}])
advance("2m")
advance("10m")


def count():
    return in_service("shop")["ProductionVariants"][0]["CurrentInstanceCount"]


assert count() == 7, count()
sm.update_endpoint(EndpointName="shop", EndpointConfigName="old", RetainAllVariantProperties=True)
advance("20m")
assert count() == 7 and describe("shop")["EndpointConfigName"] == "old", count()
sm.update_endpoint(EndpointName="shop", EndpointConfigName="new")
advance("20m")
assert count() == 4, "without RetainAllVariantProperties it is InitialInstanceCount again"
print("deployed")
