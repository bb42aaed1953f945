import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { paginateDescribeScalableTargets } from "@aws-sdk/client-application-auto-scaling";
import { paginateListMetrics } from "@aws-sdk/client-cloudwatch";
import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import {
  ConflictException, ResourceInUse, paginateListEndpointConfigs, paginateListEndpoints, paginateListModelPackageGroups, paginateListModelPackages,
  paginateListModels, paginateListTags, paginateListTrainingJobs, waitUntilTrainingJobCompletedOrStopped,
} from "@aws-sdk/client-sagemaker";
import { paginateListTopics } from "@aws-sdk/client-sns";

import { start, variant } from "./box.mjs";

const role = "arn:aws:iam::000000000000:role/betimes";
const arn = "arn:aws:sagemaker:us-east-1:000000000000:";

// job is a training job; members may be changed.
function job(name, image, more) {
  return {
    TrainingJobName: name, RoleArn: role, AlgorithmSpecification: { TrainingImage: image, TrainingInputMode: "File" },
    OutputDataConfig: { S3OutputPath: "s3://example/models" }, StoppingCondition: { MaxRuntimeInSeconds: 600 },
    ResourceConfig: { InstanceType: "ml.c5.xlarge", InstanceCount: 1, VolumeSizeInGB: 10 }, ...more,
  };
}

// trained waits for the end of a job and describes it.
async function trained(b, name) {
  await waitUntilTrainingJobCompletedOrStopped({ client: b.sm, maxWaitTime: 600 }, { TrainingJobName: name }).catch((e) => assert.match(e.message, /Failed/));
  return b.sm.describeTrainingJob({ TrainingJobName: name });
}

test("programs train, fail and are stopped", async (t) => {
  const b = await start(t, "instant");
  const dir = await mkdtemp(join(tmpdir(), "programs-"));
  t.after(() => rm(dir, { recursive: true }));
  const program = async (name, script) => {
    await writeFile(join(dir, name), `#!/bin/sh\n${script}`);
    await chmod(join(dir, name), 0o700);
    return `exec:${join(dir, name)}`;
  };
  await b.s3.createBucket({ Bucket: "example" });
  const good = await program("good", 'echo model > "$SM_MODEL_DIR/model"; echo loss=0.25');
  await b.sm.createTrainingJob(job("good", good, { AlgorithmSpecification: { TrainingImage: good, TrainingInputMode: "File", MetricDefinitions: [{ Name: "loss", Regex: "loss=([0-9.]+)" }] } }));
  const done = await trained(b, "good");
  assert.equal(done.TrainingJobStatus, "Completed");
  assert.equal(done.FinalMetricDataList[0].Value, 0.25);
  assert.deepEqual(done.SecondaryStatusTransitions.map((s) => s.Status), ["Starting", "Downloading", "Training", "Uploading", "Completed"]);
  await assert.rejects(b.sm.createTrainingJob(job("good", good)), ResourceInUse);

  await b.sm.createTrainingJob(job("bad", await program("bad", 'echo no memory > "$SM_OUTPUT_DIR/failure"; exit 1')));
  assert.match((await trained(b, "bad")).FailureReason, /^AlgorithmError: no memory/);

  const endless = await program("endless", 'trap \'echo half > "$SM_MODEL_DIR/model"; exit\' TERM; while :; do sleep 0.05; done');
  await b.sm.createTrainingJob(job("stopped", endless));
  await b.sm.stopTrainingJob({ TrainingJobName: "stopped" });
  assert.equal((await trained(b, "stopped")).TrainingJobStatus, "Stopped");
  await b.sm.createTrainingJob(job("capped", endless, { StoppingCondition: { MaxRuntimeInSeconds: 1 } }));
  assert.equal((await trained(b, "capped")).SecondaryStatus, "MaxRuntimeExceeded");
  await assert.rejects(b.sm.stopTrainingJob({ TrainingJobName: "bad" }), { message: "The request was rejected because the training job is in status Failed" });
});

test("an approved version of the registry serves", async (t) => {
  const b = await start(t, "instant");
  await b.sm.createModelPackageGroup({ ModelPackageGroupName: "fraud" });
  const { ModelPackageArn: version } = await b.sm.createModelPackage({ ModelPackageGroupName: "fraud", CustomerMetadataProperties: { cut: "7" }, InferenceSpecification: { Containers: [{ Image: "builtin:echo" }], SupportedContentTypes: ["text/csv"] } });
  assert.equal(version, `${arn}model-package/fraud/1`);
  const model = { ModelName: "fraud", PrimaryContainer: { ModelPackageName: version } };
  await assert.rejects(b.sm.createModel(model), { name: "ValidationException" });
  await b.sm.updateModelPackage({ ModelPackageArn: version, ModelApprovalStatus: "Approved" });
  const got = await b.sm.describeModelPackage({ ModelPackageName: version });
  assert.deepEqual([got.ModelApprovalStatus, got.ModelPackageVersion, got.CustomerMetadataProperties], ["Approved", 1, { cut: "7" }]);
  await b.sm.createModel(model);
  await b.sm.createEndpointConfig({ EndpointConfigName: "fraud", ProductionVariants: [variant("fraud", 1)] });
  await b.sm.createEndpoint({ EndpointName: "fraud", EndpointConfigName: "fraud" });
  await b.inService("fraud");
  assert.equal(await b.invoke("fraud", "x"), "x");
  await assert.rejects(b.sm.deleteModelPackageGroup({ ModelPackageGroupName: "fraud" }), ConflictException);
});

test("a canary ends on the new config, or by its alarm on the old one", async (t) => {
  const b = await start(t, "realistic");
  for (const name of ["old", "new"]) await b.config(name, "builtin:echo", 4);
  await b.sm.createEndpoint({ EndpointName: "fraud", EndpointConfigName: "old" });
  await b.elapse("10m");
  await b.inService("fraud");
  await b.cw.putMetricAlarm({ AlarmName: "drift", Namespace: "own", MetricName: "drift", Statistic: "Maximum", Period: 60, EvaluationPeriods: 1, Threshold: 3, ComparisonOperator: "GreaterThanThreshold", TreatMissingData: "notBreaching" });
  const deploy = async (to, meanwhile) => {
    await b.sm.updateEndpoint({
      EndpointName: "fraud", EndpointConfigName: to,
      DeploymentConfig: {
        BlueGreenUpdatePolicy: { TerminationWaitInSeconds: 120, TrafficRoutingConfiguration: { Type: "CANARY", WaitIntervalInSeconds: 600, CanarySize: { Type: "CAPACITY_PERCENT", Value: 25 } } },
        AutoRollbackConfiguration: { Alarms: [{ AlarmName: "drift" }] },
      },
    });
    await b.elapse("9m");
    await meanwhile();
    const seen = new Set();
    for (;;) {
      const got = await b.describe("fraud");
      seen.add(got.EndpointStatus);
      if (got.EndpointStatus === "InService") return [[...seen], got];
      await b.elapse("30s");
    }
  };
  const [rolledBack, old] = await deploy("new", () => b.cw.putMetricData({ Namespace: "own", MetricData: [{ MetricName: "drift", Value: 9 }] }));
  assert.ok(rolledBack.includes("RollingBack"), rolledBack);
  assert.equal(old.EndpointConfigName, "old");
  assert.match(old.FailureReason, /drift/);
  await b.elapse("5m");
  const [through, now] = await deploy("new", () => b.invoke("fraud", "x"));
  assert.deepEqual(through, ["Updating", "InService"]);
  assert.equal(now.EndpointConfigName, "new");
});

test("load in advanced time changes the number of instances, which an update may retain", async (t) => {
  const b = await start(t, "fast");
  await b.deploy("shop", "builtin:echo");
  const at = { ServiceNamespace: "sagemaker", ResourceId: "endpoint/shop/variant/AllTraffic", ScalableDimension: "sagemaker:variant:DesiredInstanceCount" };
  await b.auto.registerScalableTarget({ ...at, MinCapacity: 1, MaxCapacity: 3 });
  const policy = await b.auto.putScalingPolicy({ ...at, PolicyName: "track", PolicyType: "TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration: { TargetValue: 5, PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" } } });
  assert.equal(policy.Alarms.length, 2);
  const now = new Date(JSON.parse(await b.own("GET", "/_emu/state")).now);
  await b.elapse(`${75 - now.getUTCSeconds()}s`);
  for (let minute = 0; minute < 4; minute++) {
    for (let i = 0; i < 9; i++) await b.invoke("shop", "1");
    await b.elapse("1m");
  }
  const count = async () => (await b.describe("shop")).ProductionVariants[0].CurrentInstanceCount;
  assert.equal(await count(), 2);
  const { ScalingActivities: [activity] } = await b.auto.describeScalingActivities({ ServiceNamespace: "sagemaker" });
  assert.equal(activity.StatusCode, "Successful");
  assert.match(activity.Cause, /in state ALARM triggered policy track/);
  await b.config("next", "builtin:echo", 1);
  for (const [to, retain, want] of [["next", true, 2], ["shop", false, 1]]) {
    await b.sm.updateEndpoint({ EndpointName: "shop", EndpointConfigName: to, RetainAllVariantProperties: retain });
    await b.inService("shop");
    assert.equal(await count(), want, `retained: ${retain}`);
  }
});

test("what is put into CloudWatch is read from it", async (t) => {
  const b = await start(t, "instant");
  const Dimensions = [{ Name: "shop", Value: "a & <b>" }];
  await b.cw.putMetricData({
    Namespace: "shop", MetricData: [
      { MetricName: "load", Dimensions, Value: 3.5, Unit: "Count" }, { MetricName: "load", Dimensions, Values: [1, 2], Counts: [2, 1], Unit: "Count" },
      { MetricName: "sets", StatisticValues: { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 4 } },
    ],
  });
  const hour = { StartTime: new Date(Date.now() - 3600e3), EndTime: new Date(Date.now() + 3600e3) };
  const { Datapoints: [point] } = await b.cw.getMetricStatistics({ Namespace: "shop", MetricName: "load", Dimensions, ...hour, Period: 86400, Statistics: ["Sum", "SampleCount", "Minimum", "Maximum"] });
  assert.deepEqual([point.Sum, point.SampleCount, point.Minimum, point.Maximum, point.Unit], [7.5, 4, 1, 3.5, "Count"]);
  const { MetricDataResults: [data] } = await b.cw.getMetricData({ ...hour, MetricDataQueries: [{ Id: "q", MetricStat: { Period: 60, Stat: "Average", Metric: { Namespace: "shop", MetricName: "sets" } } }] });
  assert.deepEqual([data.Values, data.StatusCode, data.Timestamps[0].getUTCSeconds()], [[2.5], "Complete", 0]);
  await b.cw.putMetricAlarm({ AlarmName: "high", Namespace: "shop", MetricName: "load", Statistic: "Maximum", Period: 60, EvaluationPeriods: 1, Threshold: 3, ComparisonOperator: "GreaterThanThreshold" });
  await b.cw.setAlarmState({ AlarmName: "high", StateValue: "ALARM", StateReason: "tried" });
  assert.equal((await b.cw.describeAlarms({ StateValue: "ALARM" })).MetricAlarms[0].AlarmArn, "arn:aws:cloudwatch:us-east-1:000000000000:alarm:high");
  await b.cw.deleteAlarms({ AlarmNames: ["high"] });
  await assert.rejects(b.cw.setAlarmState({ AlarmName: "high", StateValue: "OK", StateReason: "tried" }), { name: "ResourceNotFound" });
  await assert.rejects(b.cw.putMetricData({ Namespace: "AWS/Own", MetricData: [{ MetricName: "x", Value: 1 }] }), { name: "InvalidParameterValueException" });
});

test("every list is read by pages, and names keep their case", async (t) => {
  const b = await start(t, "instant");
  const names = Array.from({ length: 12 }, (_, i) => `N-${String(i).padStart(2, "0")}`);
  await b.s3.createBucket({ Bucket: "example" });
  await b.sm.createModelPackageGroup({ ModelPackageGroupName: "versions" });
  for (const name of names) {
    await b.deploy(name, "builtin:echo");
    await b.sm.createTrainingJob(job(name, "builtin:xgboost"));
    await b.sm.createModelPackageGroup({ ModelPackageGroupName: name });
    await b.sm.createModelPackage({ ModelPackageGroupName: "versions", InferenceSpecification: { Containers: [{ Image: "builtin:echo" }] } });
    await b.s3.putObject({ Bucket: "example", Key: name, Body: name });
    await b.sns.createTopic({ Name: name });
    await b.cw.putMetricData({ Namespace: "own", MetricData: [{ MetricName: name, Value: 1 }] });
    await b.auto.registerScalableTarget({ ServiceNamespace: "sagemaker", ResourceId: `endpoint/${name}/variant/AllTraffic`, ScalableDimension: "sagemaker:variant:DesiredInstanceCount", MinCapacity: 1, MaxCapacity: 2 });
  }
  const sm = { client: b.sm, pageSize: 5 };
  const oldestFirst = { SortOrder: "Ascending" };
  for (const [pages, list, name, want] of [
    [paginateListModels(sm, oldestFirst), "Models", "ModelName", names],
    [paginateListEndpointConfigs(sm, {}), "EndpointConfigs", "EndpointConfigName", [...names].reverse()],
    [paginateListEndpoints(sm, { ...oldestFirst, StatusEquals: "InService" }), "Endpoints", "EndpointName", names],
    [paginateListTrainingJobs(sm, {}), "TrainingJobSummaries", "TrainingJobName", names],
    [paginateListModelPackageGroups(sm, { NameContains: "n-" }), "ModelPackageGroupSummaryList", "ModelPackageGroupName", names],
    [paginateListModelPackages(sm, { ModelPackageGroupName: "versions" }), "ModelPackageSummaryList", "ModelPackageVersion", names.map((_, i) => i + 1)],
    [paginateListObjectsV2({ client: b.s3, pageSize: 5 }, { Bucket: "example", Prefix: "N" }), "Contents", "Key", names],
    [paginateListTopics({ client: b.sns }, {}), "Topics", "TopicArn", names.map((n) => `arn:aws:sns:us-east-1:000000000000:${n}`)],
    [paginateListMetrics({ client: b.cw }, { Namespace: "own" }), "Metrics", "MetricName", names],
    [paginateDescribeScalableTargets({ client: b.auto, pageSize: 5 }, { ServiceNamespace: "sagemaker" }), "ScalableTargets", "ResourceId", names.map((n) => `endpoint/${n}/variant/AllTraffic`)],
  ]) {
    const got = [];
    for await (const page of pages) got.push(...page[list].map((one) => one[name]));
    assert.deepEqual(got, want, list);
  }

  const resource = (await b.sm.describeModel({ ModelName: "N-00" })).ModelArn;
  assert.equal(resource, `${arn}model/N-00`);
  await b.sm.addTags({ ResourceArn: resource, Tags: [{ Key: "b", Value: "1" }, { Key: "a", Value: "ü @/" }] });
  await b.sm.deleteTags({ ResourceArn: resource.toLowerCase(), TagKeys: ["b"] });
  for await (const page of paginateListTags({ client: b.sm }, { ResourceArn: resource })) assert.deepEqual(page.Tags, [{ Key: "a", Value: "ü @/" }]);
  await assert.rejects(b.describe("n-00"), { name: "ValidationException" });
});
