"""Walks the emulator as a user of boto3 does. AWS_ENDPOINT_URL says where it is."""

import io
import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

settings = Config(region_name="us-east-1", retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
s3 = boto3.client("s3", config=settings)
sm = boto3.client("sagemaker", config=settings)
rt = boto3.client("sagemaker-runtime", config=settings)
ROLE = "arn:aws:iam::000000000000:role/betimes"


def step(name):
    print(f"{time.monotonic() - step.began:6.2f} {name}", flush=True)


step.began = time.monotonic()


def refused(code, call, **request):
    try:
        call(**request)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e
    raise AssertionError(f"{code} expected")


# Identity.
assert boto3.client("sts", config=settings).get_caller_identity()["Account"] == "000000000000"

# S3: objects, ranges, lists, copies, multipart.
s3.create_bucket(Bucket="example")
assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["example"]
s3.head_bucket(Bucket="example")
assert s3.get_bucket_location(Bucket="example")["LocationConstraint"] is None
put = s3.put_object(Bucket="example", Key="a/b c+d.txt", Body=b"hello world", ContentType="text/plain", Metadata={"who": "me"})
assert put["ETag"] == '"5eb63bbbe01eeed093cb22bb8f5acdc3"', put
got = s3.get_object(Bucket="example", Key="a/b c+d.txt")
assert got["Body"].read() == b"hello world" and got["ContentType"] == "text/plain" and got["Metadata"] == {"who": "me"}, got
assert s3.get_object(Bucket="example", Key="a/b c+d.txt", Range="bytes=6-")["Body"].read() == b"world"
assert s3.head_object(Bucket="example", Key="a/b c+d.txt")["ContentLength"] == 11
refused("NoSuchKey", s3.get_object, Bucket="example", Key="none")
refused("404", s3.head_object, Bucket="example", Key="none")
refused("NoSuchBucket", s3.get_object, Bucket="nowhere", Key="none")
refused("InvalidRange", s3.get_object, Bucket="example", Key="a/b c+d.txt", Range="bytes=99-")
refused("BucketNotEmpty", s3.delete_bucket, Bucket="example")
for i in range(25):
    s3.put_object(Bucket="example", Key=f"many/{i:02}/x", Body=b"x")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="example", Prefix="many/", PaginationConfig={"PageSize": 7})
assert len([o for p in pages for o in p["Contents"]]) == 25
pages = s3.get_paginator("list_objects").paginate(Bucket="example", Prefix="many/", Delimiter="/", PaginationConfig={"PageSize": 7})
assert len([o for p in pages for o in p.get("CommonPrefixes", [])]) == 25
s3.copy_object(Bucket="example", Key="copy", CopySource={"Bucket": "example", "Key": "a/b c+d.txt"})
assert s3.get_object(Bucket="example", Key="copy")["Body"].read() == b"hello world"
big = bytes(range(256)) * 80_000
s3.upload_fileobj(io.BytesIO(big), "example", "big", Config=boto3.s3.transfer.TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=6 << 20))
assert s3.head_object(Bucket="example", Key="big")["ETag"].endswith('-4"')
back = io.BytesIO()
s3.download_fileobj("example", "big", back)
assert back.getvalue() == big
gone = s3.delete_objects(Bucket="example", Delete={"Objects": [{"Key": "big"}, {"Key": "copy"}]})
assert len(gone["Deleted"]) == 2
for algorithm in ["CRC32", "CRC32C", "SHA1", "SHA256"]:
    try:
        s3.put_object(Bucket="example", Key="sum", Body=b"sum", ChecksumAlgorithm=algorithm)
    except Exception as e:  # CRC32C needs an optional package of the client
        assert "CRT" in str(e) or "crt" in str(e), e
        continue
    assert s3.get_object(Bucket="example", Key="sum", ChecksumMode="ENABLED")["Body"].read() == b"sum"
step("s3")

# Training.
rows = "".join(f"{int(i % 100 > 50)},{(i % 100) / 100},{i % 7}\n" for i in range(400))
s3.put_object(Bucket="example", Key="train/part-0.csv", Body=rows.encode())
job = dict(
    TrainingJobName="job-1", RoleArn=ROLE, HyperParameters={"num_round": "10", "objective": "binary:logistic"},
    AlgorithmSpecification={"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"},
    InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv",
                      "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example/train/"}}}],
    OutputDataConfig={"S3OutputPath": "s3://example/models"}, StoppingCondition={"MaxRuntimeInSeconds": 600},
    ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}, Tags=[{"Key": "cut", "Value": "1"}])
arn = sm.create_training_job(**job)["TrainingJobArn"]
sm.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="job-1")
done = sm.describe_training_job(TrainingJobName="job-1")
assert done["TrainingJobStatus"] == "Completed", done
assert done["FinalMetricDataList"] and done["TrainingTimeInSeconds"] >= 1, done
assert [t["Status"] for t in done["SecondaryStatusTransitions"]] == ["Starting", "Downloading", "Training", "Uploading", "Completed"], done
refused("ResourceInUse", sm.create_training_job, **job)
refused("ValidationException", sm.describe_training_job, TrainingJobName="none")
refused("ValidationException", sm.stop_training_job, TrainingJobName="job-1")
assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "cut", "Value": "1"}]
sm.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "2"}])
sm.delete_tags(ResourceArn=arn, TagKeys=["cut"])
assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "more", "Value": "2"}]
assert len(sm.list_training_jobs(StatusEquals="Completed")["TrainingJobSummaries"]) == 1
step("training")

# Model, config, endpoint.
sm.create_model(ModelName="fraud", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "builtin:xgboost", "ModelDataUrl": done["ModelArtifacts"]["S3ModelArtifacts"]})
sm.create_model(ModelName="echo", PrimaryContainer={"Image": "builtin:echo"})
refused("ValidationException", sm.create_model, ModelName="fraud", PrimaryContainer={"Image": "builtin:echo"})
for name in ["fraud", "echo"]:
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{
        "VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 2, "InstanceType": "ml.c5.xlarge",
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}}])
assert sm.describe_endpoint_config(EndpointConfigName="fraud")["ProductionVariants"][0]["InitialInstanceCount"] == 2
assert len(sm.list_models(NameContains="fr")["Models"]) == 1 and len(sm.list_endpoint_configs()["EndpointConfigs"]) == 2
sm.create_endpoint(EndpointName="Fraud-1", EndpointConfigName="fraud")
refused("ValidationException", sm.delete_endpoint, EndpointName="Fraud-1")
sm.get_waiter("endpoint_in_service").wait(EndpointName="Fraud-1")
live = sm.describe_endpoint(EndpointName="Fraud-1")
assert live["ProductionVariants"][0]["CurrentInstanceCount"] == 2, live
step("endpoint in service")

# Invoke.
answer = rt.invoke_endpoint(EndpointName="Fraud-1", ContentType="text/csv", Body=b"0.9,1\n0.1,1")
scores = [float(x) for x in answer["Body"].read().decode().split()]
assert scores[0] > 0.7 and scores[1] < 0.3, scores
assert answer["InvokedProductionVariant"] == "AllTraffic" and "q=" in answer["CustomAttributes"], answer
as_json = rt.invoke_endpoint(EndpointName="Fraud-1", ContentType="text/csv", Accept="application/json", Body=b"0.9,1")
assert json.loads(as_json["Body"].read())["predictions"][0]["score"] > 0.7
e = refused("ModelError", rt.invoke_endpoint, EndpointName="Fraud-1", ContentType="text/csv", Body=b"not,numbers")
assert e.response["OriginalStatusCode"] == 415 and "not a number" in e.response["OriginalMessage"], e.response
refused("ValidationError", rt.invoke_endpoint, EndpointName="fraud-1", Body=b"1")
refused("ValidationError", rt.invoke_endpoint, EndpointName="Fraud-1", TargetVariant="none", Body=b"1")
step("invoke")

# Update, weights, delete.
sm.update_endpoint(EndpointName="Fraud-1", EndpointConfigName="echo", RetainAllVariantProperties=True)
refused("ValidationException", sm.update_endpoint, EndpointName="Fraud-1", EndpointConfigName="fraud")
sm.get_waiter("endpoint_in_service").wait(EndpointName="Fraud-1")
assert sm.describe_endpoint(EndpointName="Fraud-1")["EndpointConfigName"] == "echo"
assert rt.invoke_endpoint(EndpointName="Fraud-1", Body=b"\x00binary")["Body"].read() == b"\x00binary"
sm.update_endpoint_weights_and_capacities(EndpointName="Fraud-1", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}])
sm.get_waiter("endpoint_in_service").wait(EndpointName="Fraud-1")
assert sm.describe_endpoint(EndpointName="Fraud-1")["ProductionVariants"][0]["CurrentInstanceCount"] == 3
sm.delete_endpoint(EndpointName="Fraud-1")
sm.get_waiter("endpoint_deleted").wait(EndpointName="Fraud-1")
e = refused("ValidationException", sm.describe_endpoint, EndpointName="Fraud-1")
assert 'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/Fraud-1".' in str(e), e
for name in ["fraud", "echo"]:
    sm.delete_endpoint_config(EndpointConfigName=name)
    sm.delete_model(ModelName=name)
refused("UnknownOperationException", sm.list_pipelines)
step("done")
sys.exit(0)
