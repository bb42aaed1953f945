"""Walks the SageMaker control plane and compares every reply with botocore's model."""

import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import shapes

ROLE = "arn:aws:iam::000000000000:role/betimes"
TAGS = [{"Key": "team", "Value": "fraud"}]

settings = Config(region_name="us-east-1", retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
sm = shapes.watch(boto3.client("sagemaker", config=settings))
s3 = boto3.client("s3", config=settings)
cw = boto3.client("cloudwatch", config=settings)


def refused(code, call, **request):
    try:
        call(**request)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response["Error"]["Message"]
    raise AssertionError(f"{code} expected")


def advance(by):
    body = ('{"by":"%s"}' % by).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_emu/clock/advance", body)).read()


def fault(kind):
    body = ('{"fault":"%s","count":1}' % kind).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_emu/faults", body)).read()


def status(name="fraud"):
    return sm.describe_endpoint(EndpointName=name)["EndpointStatus"]


# The registry.
sm.create_model_package_group(ModelPackageGroupName="fraud", ModelPackageGroupDescription="card payments", Tags=TAGS)
sm.describe_model_package_group(ModelPackageGroupName="fraud")
spec = {"Containers": [{"Image": "builtin:echo", "Environment": {"A": "b"}}], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
package = sm.create_model_package(
    ModelPackageGroupName="fraud", ModelPackageDescription="first", InferenceSpecification=spec, ClientToken="token-1",
    CustomerMetadataProperties={"cut": "7"}, MetadataProperties={"CommitId": "abc"},
    ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://models/evaluation.json"}}})["ModelPackageArn"]
sm.create_model_package(ModelPackageName="alone", InferenceSpecification=spec, Tags=TAGS)
assert sm.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "PendingManualApproval"
sm.describe_model_package(ModelPackageName="alone")
refused("ValidationException", sm.create_model, ModelName="fraud", PrimaryContainer={"ModelPackageName": package})
sm.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="good", CustomerMetadataProperties={"by": "me"}, ClientToken="token-2")
sm.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="good", CustomerMetadataProperties={"by": "me"}, ClientToken="token-2")
refused("ConflictException", sm.update_model_package, ModelPackageArn=package, ModelApprovalStatus="Rejected", ClientToken="token-2")
refused("ConflictException", sm.delete_model_package_group, ModelPackageGroupName="fraud")
assert sm.describe_model_package(ModelPackageName=package)["CustomerMetadataProperties"] == {"cut": "7", "by": "me"}
for kind in ["Versioned", "Unversioned", "Both"]:
    sm.list_model_packages(ModelPackageType=kind)
assert len(sm.list_model_packages(ModelPackageGroupName="fraud")["ModelPackageSummaryList"]) == 1
sm.list_model_package_groups(SortBy="Name")

# Models and configs.
sm.create_model(ModelName="fraud", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": package}, Tags=TAGS)
sm.create_model(ModelName="other", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "builtin:profile?p50=1us", "Mode": "SingleModel"},
                VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}, EnableNetworkIsolation=False)
assert sm.describe_model(ModelName="fraud")["PrimaryContainer"]["Image"] == "builtin:echo"
sm.describe_model(ModelName="other")
variant = {"VariantName": "all", "InitialInstanceCount": 4, "InstanceType": "ml.c5.xlarge", "InitialVariantWeight": 2.5,
           "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}}
for name in ["fraud", "other"]:
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant | {"ModelName": name}], Tags=TAGS)
    sm.describe_endpoint_config(EndpointConfigName=name)
sm.create_endpoint_config(EndpointConfigName="broken", ProductionVariants=[variant | {"ModelName": "other"}])

sm.create_model(ModelName="row", Containers=[{"Image": "builtin:echo", "ContainerHostname": "a"}, {"Image": "builtin:echo", "ContainerHostname": "b"}],
                InferenceExecutionConfig={"Mode": "Serial"})
sm.describe_model(ModelName="row")
s3.create_bucket(Bucket="models")
sm.create_model(ModelName="many", PrimaryContainer={"Image": "builtin:echo", "Mode": "MultiModel", "ModelDataUrl": "s3://models/many/", "MultiModelConfig": {"ModelCacheSetting": "Enabled"}})
sm.describe_model(ModelName="many")
sm.create_endpoint_config(
    EndpointConfigName="shadowed", MetricsConfig={"EnableEnhancedMetrics": True, "MetricPublishFrequencyInSeconds": 60},
    ProductionVariants=[variant | {"ModelName": "row", "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 4}}],
    ShadowProductionVariants=[variant | {"ModelName": "many", "VariantName": "shadow"}])
sm.describe_endpoint_config(EndpointConfigName="shadowed")
sm.create_endpoint(EndpointName="shadowed", EndpointConfigName="shadowed", DeploymentConfig={"RollingUpdatePolicy": {
    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60}})
assert status("shadowed") == "Creating"
advance("10m")
live = sm.describe_endpoint(EndpointName="shadowed")
assert live["ShadowProductionVariants"][0]["VariantName"] == "shadow" and live["MetricsConfig"]["EnableEnhancedMetrics"], live

# Endpoints, in every state that they can be in.
sm.create_endpoint(EndpointName="fraud", EndpointConfigName="fraud", Tags=TAGS)
assert status() == "Creating"
refused("ValidationException", sm.delete_endpoint, EndpointName="fraud")
advance("10m")
assert status() == "InService"
canary = {"BlueGreenUpdatePolicy": {
    "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25}},
    "TerminationWaitInSeconds": 600, "MaximumExecutionTimeoutInSeconds": 7200}}
sm.update_endpoint(EndpointName="fraud", EndpointConfigName="other", DeploymentConfig=canary)
advance("0s")
assert status() == "Updating"
advance("8m")  # baking
live = sm.describe_endpoint(EndpointName="fraud")["PendingDeploymentSummary"]["ProductionVariants"][0]
assert live["VariantStatus"][0]["Status"] == "Baking" and live["CurrentInstanceCount"] == 4, live
advance("30m")
live = sm.describe_endpoint(EndpointName="fraud")
assert live["EndpointStatus"] == "InService" and live["EndpointConfigName"] == "other" and live["LastDeploymentConfig"] == canary, live
sm.update_endpoint_weights_and_capacities(EndpointName="fraud", DesiredWeightsAndCapacities=[{"VariantName": "all", "DesiredWeight": 1, "DesiredInstanceCount": 6}])
assert status() == "Updating"
advance("10m")
assert sm.describe_endpoint(EndpointName="fraud")["ProductionVariants"][0]["CurrentInstanceCount"] == 6
fault("rollback")
sm.update_endpoint(EndpointName="fraud", EndpointConfigName="fraud", RetainAllVariantProperties=True,
                   ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}])
advance("7m")
advance("0s")
assert status() in ("RollingBack", "Updating", "InService")
advance("10m")
live = sm.describe_endpoint(EndpointName="fraud")
assert live["EndpointStatus"] == "InService" and live["EndpointConfigName"] == "other" and live["FailureReason"], live

# An alarm rolls a canary back.
cw.put_metric_alarm(AlarmName="drift", Namespace="own", MetricName="drift", Statistic="Maximum", Period=60, EvaluationPeriods=1,
                    Threshold=0.5, ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching")
guarded = canary | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "drift"}]}}
said = refused("ValidationException", sm.update_endpoint, EndpointName="fraud", EndpointConfigName="fraud",
               DeploymentConfig=canary | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "none"}]}})
assert '"none"' in said, said
sm.update_endpoint(EndpointName="fraud", EndpointConfigName="fraud", DeploymentConfig=guarded)
advance("8m")
assert status() == "Updating"
cw.put_metric_data(Namespace="own", MetricData=[{"MetricName": "drift", "Value": 1}])
seen = set()
for _ in range(30):
    advance("10s")
    seen.add(status())
assert seen == {"Updating", "RollingBack", "InService"}, seen
live = sm.describe_endpoint(EndpointName="fraud")
assert live["EndpointConfigName"] == "other" and "drift" in live["FailureReason"], live
fault("health")
sm.create_endpoint(EndpointName="sick", EndpointConfigName="broken")
advance("10m")
live = sm.describe_endpoint(EndpointName="sick")
assert live["EndpointStatus"] == "Failed" and "did not pass the ping health check" in live["FailureReason"], live
for query in [{}, {"StatusEquals": "Failed"}, {"SortBy": "Status", "MaxResults": 1}, {"NameContains": "none"}]:
    sm.list_endpoints(**query)
for name in ["list_models", "list_endpoint_configs", "list_endpoints", "list_training_jobs", "list_model_packages", "list_model_package_groups"]:
    for page in sm.get_paginator(name).paginate(PaginationConfig={"PageSize": 1}):
        pass
assert len([m for page in sm.get_paginator("list_models").paginate(PaginationConfig={"PageSize": 3}) for m in page["Models"]]) == 4
sm.list_endpoint_configs(SortBy="CreationTime", SortOrder="Ascending")

# Training.
s3.put_object(Bucket="models", Key="train/a.csv", Body=b"1,0.9\n0,0.1\n" * 50)


def train(name, uri, **more):
    return sm.create_training_job(**{"StoppingCondition": {"MaxRuntimeInSeconds": 600}} | more,
        TrainingJobName=name, RoleArn=ROLE, HyperParameters={"num_round": "3", "objective": "binary:logistic"},
        AlgorithmSpecification={"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File", "MetricDefinitions": [{"Name": "x", "Regex": "y"}]},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}],
        OutputDataConfig={"S3OutputPath": "s3://models/models"},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}, Environment={"A": "b"}, Tags=TAGS)["TrainingJobArn"]


for name, uri in [("good", "s3://models/train/"), ("bad", "s3://models/none/"), ("stopped", "s3://models/train/")]:
    arn = train(name, uri)
    assert sm.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "InProgress"
sm.stop_training_job(TrainingJobName="stopped")
sm.describe_training_job(TrainingJobName="stopped")
advance("10m")
states = {j["TrainingJobName"]: j["TrainingJobStatus"] for j in sm.list_training_jobs()["TrainingJobSummaries"]}
assert states == {"good": "Completed", "bad": "Failed", "stopped": "Stopped"}, states
for name in states:
    sm.describe_training_job(TrainingJobName=name)
refused("ResourceInUse", train, name="good", uri="s3://models/train/")
train("spot", "s3://models/train/", EnableManagedSpotTraining=True, StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
             CheckpointConfig={"S3Uri": "s3://models/checkpoints/", "LocalPath": "/opt/ml/checkpoints"}, RetryStrategy={"MaximumRetryAttempts": 2})
advance("10m")
live = sm.describe_training_job(TrainingJobName="spot")
assert live["TrainingJobStatus"] == "Completed" and live["EnableManagedSpotTraining"] and live["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints", live
assert live["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900} and live["RetryStrategy"] == {"MaximumRetryAttempts": 2} and live["BillableTimeInSeconds"] >= 1, live
for wrong in [{"EnableManagedSpotTraining": True}, {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 599}},
              {"StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900}}]:
    assert "MaxWaitTimeInSeconds" in refused("ValidationException", train, name="worse", uri="s3://models/train/", **wrong)
refused("ValidationException", sm.describe_training_job, TrainingJobName="none")

# Tags.
assert sm.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": ""}])["Tags"] == TAGS + [{"Key": "more", "Value": ""}]
sm.delete_tags(ResourceArn=arn, TagKeys=["more"])
assert sm.list_tags(ResourceArn=arn, MaxResults=50)["Tags"] == TAGS

# Away with it.
for name in ["fraud", "sick", "shadowed"]:
    sm.delete_endpoint(EndpointName=name)
    try:
        status(name)  # Deleting, unless it is gone
    except ClientError:
        pass
advance("10m")
assert sm.list_endpoints()["Endpoints"] == []
for name in ["fraud", "other", "broken", "shadowed"]:
    sm.delete_endpoint_config(EndpointConfigName=name)
for name in ["fraud", "other", "row", "many"]:
    sm.delete_model(ModelName=name)
for name in [package, "alone"]:
    sm.delete_model_package(ModelPackageName=name)
sm.delete_model_package_group(ModelPackageGroupName="fraud")
refused("ValidationException", sm.describe_model_package_group, ModelPackageGroupName="fraud")
shapes.done("sagemaker")
