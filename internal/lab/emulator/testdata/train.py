"""Trains programs of one's own, stops them, and reads what AWS says of mistakes, with boto3. AWS_ENDPOINT_URL says where.

Argument: a folder for the programs.
"""

import io
import os
import sys
import tarfile

import boto3
from botocore.exceptions import ClientError, WaiterError

ROLE = "arn:aws:iam::000000000000:role/betimes"
ARN = "arn:aws:sagemaker:us-east-1:000000000000:"
sm, s3, cw = boto3.client("sagemaker"), boto3.client("s3"), boto3.client("cloudwatch")
s3.create_bucket(Bucket="data")
s3.put_object(Bucket="data", Key="train/a.csv", Body=b"1,2\n")


def train(name, program, limit=60, wait=True):
    path = os.path.join(sys.argv[1], name)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + program)
    os.chmod(path, 0o700)
    sm.create_training_job(
        TrainingJobName=name, RoleArn=ROLE, HyperParameters={"depth": "3"}, Environment={"GREETING": "hello"},
        AlgorithmSpecification={"TrainingImage": "exec:" + path, "TrainingInputMode": "File", "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}}],
        OutputDataConfig={"S3OutputPath": "s3://data/models"}, StoppingCondition={"MaxRuntimeInSeconds": limit},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10})
    return ended(name) if wait else None


def ended(name):
    sm.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=name)
    return sm.describe_training_job(TrainingJobName=name)


def model(job):
    key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://data/")
    archive = tarfile.open(fileobj=io.BytesIO(s3.get_object(Bucket="data", Key=key)["Body"].read()))
    return {m.name.removeprefix("./"): archive.extractfile(m).read() for m in archive if m.isfile()}


done = train("good", 'cp "$SM_CHANNEL_TRAIN/a.csv" "$SM_MODEL_DIR/seen"; echo "$GREETING $SM_HP_DEPTH $1" > "$SM_MODEL_DIR/said"; echo loss=0.5; echo loss=0.25')
assert done["TrainingJobStatus"] == "Completed" and [(m["MetricName"], m["Value"]) for m in done["FinalMetricDataList"]] == [("loss", 0.25)], done
assert model(done) == {"seen": b"1,2\n", "said": b"hello 3 train\n"}, model(done)
assert [m["MetricName"] for m in cw.list_metrics(Namespace="/aws/sagemaker/TrainingJobs")["Metrics"]] == ["loss"]
try:
    train("bad", 'echo "no memory" > "$SM_OUTPUT_DIR/failure"; exit 3')
    raise AssertionError("the waiter took a failure for an end")
except WaiterError as e:
    assert e.last_response["FailureReason"].startswith("AlgorithmError: no memory") and e.last_response["FailureReason"].endswith("exit code: 3"), e.last_response
SAVES = 'trap \'echo half > "$SM_MODEL_DIR/model"; exit\' TERM; touch "%s"; while :; do sleep 0.02; done'
done = train("long", SAVES % os.path.join(sys.argv[1], "long-runs"), limit=1)
assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded") and model(done) == {"model": b"half\n"}, done
train("stopped", SAVES % os.path.join(sys.argv[1], "stopped-runs"), wait=False)
while not os.path.exists(os.path.join(sys.argv[1], "stopped-runs")):
    sm.list_training_jobs()  # Describe would wait for the job
sm.stop_training_job(TrainingJobName="stopped")
done = ended("stopped")
assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Stopped", "Stopped") and model(done) == {"model": b"half\n"}, done


# The texts that clients compare.
def says(code, text, call, **request):
    try:
        call(**request)
    except ClientError as e:
        assert (e.response["Error"]["Code"], text in e.response["Error"]["Message"]) == (code, True), e.response
        return
    raise AssertionError(text)


V = "ValidationException"
variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.c5.xlarge"}
sm.create_model(ModelName="m", PrimaryContainer={"Image": "builtin:echo"})
sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
sm.create_endpoint(EndpointName="e", EndpointConfigName="c")
for call in (sm.delete_endpoint, lambda **r: sm.update_endpoint(EndpointConfigName="c", **r),
             lambda **r: sm.update_endpoint_weights_and_capacities(DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredWeight": 1}], **r)):
    says(V, f'Cannot update in-progress endpoint "{ARN}endpoint/e".', call, EndpointName="e")
sm.get_waiter("endpoint_in_service").wait(EndpointName="e")
for noun, ask in (("endpoint", {"EndpointName": "none"}), ("endpoint_config", {"EndpointConfigName": "none"}), ("model", {"ModelName": "none"})):
    words = "endpoint configuration" if noun == "endpoint_config" else noun
    for verb in ("describe", "delete"):
        says(V, f'Could not find {words} "{ARN}{noun.replace("_", "-")}/none".', getattr(sm, f"{verb}_{noun}"), **ask)
says(V, f'Cannot create already existing endpoint "{ARN}endpoint/e".', sm.create_endpoint, EndpointName="e", EndpointConfigName="c")
says(V, f'Cannot create already existing endpoint configuration "{ARN}endpoint-config/c".', sm.create_endpoint_config, EndpointConfigName="c", ProductionVariants=[variant])
says(V, f'Cannot create already existing model "{ARN}model/m".', sm.create_model, ModelName="m", PrimaryContainer={"Image": "builtin:echo"})
for call in (sm.describe_training_job, sm.stop_training_job):
    says(V, "Requested resource not found.", call, TrainingJobName="none")
says(V, "The request was rejected because the training job is in status Completed", sm.stop_training_job, TrainingJobName="good")
says("ResourceInUse", f"Training job names must be unique within an AWS account and region, and a training job with this name already exists ({ARN}training-job/good)",
     train, name="good", program="")
says(V, "2 validation errors detected: Value 'a_b' at 'endpointConfigName' failed to satisfy constraint: Member must satisfy regular expression pattern: ",
     sm.create_endpoint_config, EndpointConfigName="a_b", ProductionVariants=[variant | {"InstanceType": "big"}])
says(V, "Value 'big' at 'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy enum value set: [",
     sm.create_endpoint_config, EndpointConfigName="d", ProductionVariants=[variant | {"InstanceType": "big"}])
says(V, "failed to satisfy constraint: Member must have length less than or equal to 63", sm.create_model, ModelName="x" * 64, PrimaryContainer={"Image": "builtin:echo"})
print("trained")
