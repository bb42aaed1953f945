"""Uses the emulator's CloudWatch and Application Auto Scaling as a user of boto3 does. AWS_ENDPOINT_URL says where it is."""

import datetime
import json

from botocore.exceptions import ClientError

import shapes

own = shapes.own
cw = shapes.client("cloudwatch")
sm = shapes.client("sagemaker")
rt = shapes.client("sagemaker-runtime")
logs = shapes.client("logs")
s3 = shapes.client("s3")
aas = shapes.client("application-autoscaling")
TOPIC = "arn:aws:sns:us-east-1:000000000000:page"


def advance(by):
    return own("/_emu/clock/advance", {"by": by})


def now():
    return datetime.datetime.fromisoformat(own("/_emu/state")["now"][:19] + "+00:00")


def refused(code, call, **request):
    try:
        call(**request)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e
    raise AssertionError(f"{code} expected")


def refused_as(error, code, call, **request):
    """As a class of the client, too."""
    e = refused(code, call, **request)
    assert isinstance(e, error), type(e)


# Data points.
hour = datetime.timedelta(hours=1)
dims = [{"Name": "shop", "Value": "a & <b>"}]
cw.put_metric_data(Namespace="shop", MetricData=[
    {"MetricName": "load", "Dimensions": dims, "Value": 3.5, "Unit": "Count"},
    {"MetricName": "load", "Dimensions": dims, "Values": [1.0, 2.0], "Counts": [2, 1], "Unit": "Count"},
    {"MetricName": "sets", "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}}])
cw.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "many", "Value": float(i), "Dimensions": [{"Name": "i", "Value": str(i)}]} for i in range(900)])
got = cw.get_metric_statistics(Namespace="shop", MetricName="load", Dimensions=dims, StartTime=now() - hour, EndTime=now() + hour, Period=3600 * 24, Statistics=["Sum", "Average", "SampleCount", "Minimum", "Maximum"])
point, = got["Datapoints"]
assert (point["Sum"], point["SampleCount"], point["Minimum"], point["Maximum"], point["Unit"]) == (7.5, 4.0, 1.0, 3.5, "Count"), got
got = cw.get_metric_statistics(Namespace="shop", MetricName="load", Dimensions=dims, StartTime=now() - hour, EndTime=now() + hour, Period=3600 * 24, ExtendedStatistics=["p50", "p99.9"])
assert set(got["Datapoints"][0]["ExtendedStatistics"]) == {"p50", "p99.9"}, got
query = [{"Id": "q", "MetricStat": {"Metric": {"Namespace": "shop", "MetricName": "sets"}, "Period": 60, "Stat": "Average"}}]
got = cw.get_metric_data(MetricDataQueries=query, StartTime=now() - hour, EndTime=now() + hour)["MetricDataResults"][0]
assert (got["Id"], got["Label"], got["Values"], got["StatusCode"]) == ("q", "sets", [2.5], "Complete"), got
assert len([m for page in cw.get_paginator("list_metrics").paginate(Namespace="shop") for m in page["Metrics"]]) == 902
refused_as(cw.exceptions.InvalidParameterValueException, "InvalidParameterValue", cw.put_metric_data, Namespace="AWS/Own", MetricData=[{"MetricName": "x", "Value": 1.0}])
refused_as(cw.exceptions.ResourceNotFound, "ResourceNotFound", cw.set_alarm_state, AlarmName="none", StateValue="OK", StateReason="tried")

# Alarms.
advance("5m")
alarm = dict(AlarmName="high", Namespace="shop", MetricName="load", Dimensions=dims, Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=3.0,
             ComparisonOperator="GreaterThanThreshold", AlarmActions=[TOPIC], TreatMissingData="notBreaching")
cw.put_metric_alarm(**alarm)
advance("1m")
high, = cw.describe_alarms(AlarmNames=["high"])["MetricAlarms"]
assert high["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:000000000000:alarm:high" and high["Threshold"] == 3.0 and high["ActionsEnabled"], high
assert high["StateValue"] == "OK" or "Threshold Crossed" in high["StateReason"], high
cw.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "load", "Dimensions": dims, "Value": 9.0}])
advance("1m")
high, = cw.describe_alarms(StateValue="ALARM")["MetricAlarms"]
assert high["AlarmName"] == "high" and "[9.0 (" in high["StateReason"], high
assert json.loads(high["StateReasonData"])["recentDatapoints"] == [9.0], high
cw.set_alarm_state(AlarmName="high", StateValue="OK", StateReason="tried", StateReasonData="{}")
history = [i for page in cw.get_paginator("describe_alarm_history").paginate(AlarmName="high", PaginationConfig={"PageSize": 2}) for i in page["AlarmHistoryItems"]]
assert {"ConfigurationUpdate", "StateUpdate", "Action"} == {i["HistoryItemType"] for i in history}, history
cw.disable_alarm_actions(AlarmNames=["high"])
assert not cw.describe_alarms(AlarmNamePrefix="hi")["MetricAlarms"][0]["ActionsEnabled"]
cw.enable_alarm_actions(AlarmNames=["high"])
cw.delete_alarms(AlarmNames=["high"])
assert cw.describe_alarms()["MetricAlarms"] == []
refused_as(cw.exceptions.ResourceNotFound, "ResourceNotFound", cw.delete_alarms, AlarmNames=["high"])

# What SageMaker measures.
sm.create_model(ModelName="echo", PrimaryContainer={"Image": "builtin:echo"})
sm.create_endpoint_config(EndpointConfigName="echo", ProductionVariants=[{"VariantName": "all", "ModelName": "echo", "InitialInstanceCount": 2, "InstanceType": "ml.c5.xlarge"}])
sm.create_endpoint(EndpointName="echo", EndpointConfigName="echo")
sm.get_waiter("endpoint_in_service").wait(EndpointName="echo")
for _ in range(10):
    rt.invoke_endpoint(EndpointName="echo", Body=b"1,2", ContentType="text/csv")
both = [{"Name": "EndpointName", "Value": "echo"}, {"Name": "VariantName", "Value": "all"}]


def measured(metric, stat, dimensions=both):
    query = [{"Id": "q", "MetricStat": {"Metric": {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}, "Period": 60, "Stat": stat}}]
    return cw.get_metric_data(MetricDataQueries=query, StartTime=now() - hour, EndTime=now() + hour)["MetricDataResults"][0]["Values"]


assert sum(measured("Invocations", "Sum")) == 10.0
assert abs(sum(measured("InvocationsPerInstance", "Sum")) - 5.0) < 1e-6
assert sum(measured("Invocation5XXErrors", "Sum")) == 0.0
assert measured("ModelLatency", "p99") and measured("OverheadLatency", "Average")[0] > 0
assert measured("Invocations", "Sum", both[:1]) == [], "without VariantName there is nothing"

# Autoscaling: load in advanced time changes the number of instances.
target = dict(ServiceNamespace="sagemaker", ResourceId="endpoint/echo/variant/all", ScalableDimension="sagemaker:variant:DesiredInstanceCount")
refused_as(aas.exceptions.ValidationException, "ValidationException", aas.register_scalable_target, **target | {"ResourceId": "endpoint/none/variant/all"}, MinCapacity=1, MaxCapacity=2)
refused_as(aas.exceptions.ObjectNotFoundException, "ObjectNotFoundException", aas.deregister_scalable_target, **target)
assert aas.register_scalable_target(**target, MinCapacity=2, MaxCapacity=4)["ScalableTargetARN"].startswith("arn:aws:application-autoscaling:")
policy = aas.put_scaling_policy(**target, PolicyName="track", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
    "TargetValue": 4.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}, "ScaleInCooldown": 60, "ScaleOutCooldown": 60})
assert len(policy["Alarms"]) == 2, policy
high, low = cw.describe_alarms(AlarmNames=[a["AlarmName"] for a in policy["Alarms"]])["MetricAlarms"]
assert (high["MetricName"], high["Threshold"], high["Period"], high["EvaluationPeriods"], low["EvaluationPeriods"]) == ("InvocationsPerInstance", 4.0, 60, 3, 15), (high, low)
assert high["AlarmDescription"].startswith("DO NOT EDIT OR DELETE.") and high["AlarmActions"] == [policy["PolicyARN"]], high
advance("5m")
advance(f"{75 - now().second}s")  # the calls of a minute are far from its ends


def instances():
    sm.get_waiter("endpoint_in_service").wait(EndpointName="echo")
    return sm.describe_endpoint(EndpointName="echo")["ProductionVariants"][0]["CurrentInstanceCount"]


def minutes(n, calls):
    for _ in range(n):
        for _ in range(calls):
            rt.invoke_endpoint(EndpointName="echo", Body=b"1")
        advance("1m")


minutes(4, 12)  # 6 per instance and minute, where 4 are wanted
assert instances() == 3, instances()
done = aas.describe_scaling_activities(**target)["ScalingActivities"][0]
assert (done["Description"], done["StatusCode"]) == ("Setting desired instance count to 3.", "Successful"), done
assert done["StatusMessage"] == "Successfully set desired instance count to 3. Change successfully fulfilled by sagemaker.", done
minutes(17, 1)
assert instances() == 2, instances()
aas.put_scheduled_action(**target, ScheduledActionName="peak", Schedule="rate(1 minute)", ScalableTargetAction={"MinCapacity": 4, "MaxCapacity": 6})
assert aas.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"][0]["ScalableTargetAction"] == {"MinCapacity": 4, "MaxCapacity": 6}
advance("2m")
assert instances() == 4, instances()
aas.delete_scheduled_action(**target, ScheduledActionName="peak")
found = aas.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])["ScalableTargets"][0]
assert (found["MinCapacity"], found["MaxCapacity"]) == (4, 6) and found["RoleARN"] and found["SuspendedState"], found
assert len(aas.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]) == 1
assert len([a for page in aas.get_paginator("describe_scaling_activities").paginate(ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 2}) for a in page["ScalingActivities"]]) == 4
aas.delete_scaling_policy(**target, PolicyName="track")
assert cw.describe_alarms()["MetricAlarms"] == []
aas.deregister_scalable_target(**target)
assert aas.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []

# The log of a training job, as SDKs poll it.
group = "/aws/sagemaker/TrainingJobs"
refused_as(logs.exceptions.ResourceNotFoundException, "ResourceNotFoundException", logs.describe_log_streams, logGroupName=group, logStreamNamePrefix="job/")
s3.create_bucket(Bucket="train")
s3.put_object(Bucket="train", Key="in/a.csv", Body="".join(f"{i % 2},{i % 2},{i % 7}\n" for i in range(100)).encode())
sm.create_training_job(
    TrainingJobName="job", RoleArn="arn:aws:iam::000000000000:role/betimes", HyperParameters={"num_round": "3"},
    AlgorithmSpecification={"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"},
    InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://train/in/"}}}],
    OutputDataConfig={"S3OutputPath": "s3://train/out"}, StoppingCondition={"MaxRuntimeInSeconds": 600},
    ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10})
sm.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="job")
stream, = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="job/", orderBy="LogStreamName", limit=1)["logStreams"]
assert stream["logStreamName"].startswith("job/algo-1-"), stream
page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
assert any("train-" in e["message"] for e in page["events"]), page
found = cw.get_metric_statistics(Namespace="/aws/sagemaker/TrainingJobs", MetricName="train:rmse", Dimensions=[{"Name": "TrainingJobName", "Value": "job"}],
                                 StartTime=now() - hour, EndTime=now() + hour, Period=60, Statistics=["Average"])
assert len(found["Datapoints"]) == 1, (found, cw.list_metrics(Namespace="/aws/sagemaker/TrainingJobs")["Metrics"])
rest = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, nextToken=page["nextForwardToken"])
assert rest["events"] == [] and rest["nextForwardToken"] == page["nextForwardToken"], rest
assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]] == [group]
shapes.done()
