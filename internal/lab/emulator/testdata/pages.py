"""Reads every list of every service by pages, with boto3, and what names, ARNs and tags come back as. AWS_ENDPOINT_URL says where."""

import json
import os
import urllib.request

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

MANY = 5
ROLE = "arn:aws:iam::000000000000:role/betimes"
with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_emu/operations") as answer:
    OPERATIONS = json.load(answer)
clients = {name: boto3.client(name) for name in OPERATIONS}
sm, s3, sns, sqs = (clients[n] for n in ("sagemaker", "s3", "sns", "sqs"))
cw, aas, rt = clients["cloudwatch"], clients["application-autoscaling"], clients["sagemaker-runtime"]


def refused(code, call, **request):
    try:
        call(**request)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return
    raise AssertionError(f"{code} expected")


# Some of everything.
TOPIC = sns.create_topic(Name="topic")["TopicArn"]
s3.create_bucket(Bucket="data")
s3.put_object(Bucket="data", Key="train/a.csv", Body=b"1,0.9\n0,0.1\n" * 20)
upload = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
sm.create_model_package_group(ModelPackageGroupName="versions")
for i in range(MANY):
    name = f"n-{i}"
    sm.create_training_job(
        TrainingJobName=name, RoleArn=ROLE, AlgorithmSpecification={"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"}, HyperParameters={"num_round": "1"},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}}],
        OutputDataConfig={"S3OutputPath": "s3://data/models"}, StoppingCondition={"MaxRuntimeInSeconds": 600},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10})
    sm.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=name)
    sm.create_model(ModelName=name, PrimaryContainer={"Image": "builtin:echo"}, Tags=[{"Key": f"k-{k}", "Value": str(k)} for k in range(50)])
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.c5.xlarge"}])
    sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sm.get_waiter("endpoint_in_service").wait(EndpointName=name)
    target = dict(ServiceNamespace="sagemaker", ResourceId=f"endpoint/{name}/variant/v", ScalableDimension="sagemaker:variant:DesiredInstanceCount")
    aas.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    aas.put_scaling_policy(**target, PolicyName="track", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
        "TargetValue": 4.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}})
    aas.put_scheduled_action(**target, ScheduledActionName="up", Schedule="rate(1 minute)", ScalableTargetAction={"MinCapacity": 2})
    sm.create_model_package_group(ModelPackageGroupName=name)
    sm.create_model_package(ModelPackageGroupName="versions", InferenceSpecification={"Containers": [{"Image": "builtin:echo"}]})
    s3.put_object(Bucket="data", Key=f"many/{name}", Body=b"x")
    s3.upload_part(Bucket="data", Key="parts", UploadId=upload, PartNumber=i + 1, Body=b"x")
    s3.create_multipart_upload(Bucket="data", Key=f"more-{i}")
    s3.create_bucket(Bucket=f"bucket-{i}")
    cw.put_metric_data(Namespace="own", MetricData=[{"MetricName": name, "Value": 1.0}])
    cw.put_metric_alarm(AlarmName=name, Namespace="own", MetricName=name, Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold")
for i in range(101):  # SNS decides itself how long a page is: 100
    sqs.create_queue(QueueName=f"q-{i}")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:q-{i}")
    sns.create_topic(Name=f"t-{i}")
request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_emu/clock/advance", b'{"by":"2m"}')  # the scheduled actions act
urllib.request.urlopen(request).read()

# Pages of two have what one page has, in its order.
ASKS = {
    "ListModelPackages": {"ModelPackageGroupName": "versions"}, "ListTags": {"ResourceArn": sm.describe_model(ModelName="n-0")["ModelArn"]},
    "ListObjects": {"Bucket": "data", "Prefix": "many/"}, "ListObjectsV2": {"Bucket": "data", "Prefix": "many/"}, "ListMultipartUploads": {"Bucket": "data"},
    "ListParts": {"Bucket": "data", "Key": "parts", "UploadId": upload}, "ListMetrics": {"Namespace": "own"}, "ListSubscriptionsByTopic": {"TopicArn": TOPIC},
    "DescribeLogStreams": {"logGroupName": "/aws/sagemaker/TrainingJobs"},
    "GetMetricData": {"StartTime": 0, "EndTime": 4102444800, "MetricDataQueries": [
        {"Id": f"q{i}", "MetricStat": {"Metric": {"Namespace": "own", "MetricName": f"n-{i}"}, "Period": 60, "Stat": "Sum"}} for i in range(MANY)]},
}
WHOLE = {"ListMetrics", "ListSubscriptions", "ListSubscriptionsByTopic", "ListTopics"}  # no size of page can be asked for
ONE = {"DescribeLogGroups", "ListTags"}  # one page has them all
checked = []
for service, names in OPERATIONS.items():
    client = clients[service]
    for operation in names:
        if not client.can_paginate(xform_name(operation)):
            continue
        ask = dict(ASKS.get(operation, {}))
        if service == "application-autoscaling":
            ask["ServiceNamespace"] = "sagemaker"

        def read(**config):
            pages = client.get_paginator(xform_name(operation))
            found = list(pages.paginate(**ask, PaginationConfig=config))
            return len(found), [item for page in found for item in page.get(pages.result_keys[0].expression, [])]

        _, whole = read()
        size = {} if operation in WHOLE else {"PageSize": 50 if operation == "ListTags" else 2}
        pages, items = read(**size)
        key = lambda found: [json.dumps(item, default=str, sort_keys=True) for item in found]
        if operation != "GetMetricData":  # there, a size counts data points
            assert key(items) == key(whole) and len(set(key(items))) == len(items), (operation, len(items), len(whole))
        assert operation in ONE or len(items) >= MANY, (operation, len(items))
        assert operation in ONE or operation == "ListMetrics" or pages > 1, (operation, pages)
        checked.append(operation)
print(len(checked), "lists:", " ".join(checked))
for operation, ask in {"list_models": {}, "list_tags": ASKS["ListTags"]}.items():
    refused("ValidationException", getattr(sm, operation), NextToken="no token", **ask)
refused("InvalidNextTokenException", aas.describe_scalable_targets, ServiceNamespace="sagemaker", NextToken="no token")

# Names keep their case, ARNs are found in any, tags come back as they went.
arn = sm.create_model(ModelName="Mixed-Case", PrimaryContainer={"Image": "builtin:echo"}, Tags=[{"Key": "Team", "Value": "Über @/:+=-_."}])["ModelArn"]
assert arn == "arn:aws:sagemaker:us-east-1:000000000000:model/Mixed-Case" == sm.describe_model(ModelName="Mixed-Case")["ModelArn"]
assert sm.list_tags(ResourceArn=arn.lower())["Tags"] == [{"Key": "Team", "Value": "Über @/:+=-_."}]
sm.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": ""}, {"Key": "Team", "Value": "new"}])
assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "Team", "Value": "new"}, {"Key": "team", "Value": ""}], "keys differ by case"
sm.delete_tags(ResourceArn=arn, TagKeys=["Team"])
assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": ""}]
refused("ValidationException", sm.add_tags, ResourceArn=sm.describe_model(ModelName="n-0")["ModelArn"], Tags=[{"Key": "one too many", "Value": ""}])
sm.create_endpoint(EndpointName="Mixed", EndpointConfigName="n-0")
sm.get_waiter("endpoint_in_service").wait(EndpointName="Mixed")
refused("ValidationException", sm.create_endpoint, EndpointName="mixed", EndpointConfigName="n-0")
refused("ValidationError", rt.invoke_endpoint, EndpointName="mixed", Body=b"1")
assert rt.invoke_endpoint(EndpointName="Mixed", Body=b"1")["Body"].read() == b"1"
