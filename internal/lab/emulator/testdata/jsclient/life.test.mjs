import assert from "node:assert/strict";
import { test } from "node:test";

import { waitUntilEndpointDeleted, waitUntilTrainingJobCompletedOrStopped } from "@aws-sdk/client-sagemaker";

import { start, variant } from "./box.mjs";

const role = "arn:aws:iam::000000000000:role/betimes";

// rows have a label that is 1 where the first feature is above 0.5.
const rows = Array.from({ length: 400 }, (_, i) => `${Number(i % 100 > 50)},${(i % 100) / 100},${i % 7}\n`).join("");

test("a model lives from its data to its deletion", async (t) => {
  const b = await start(t, "fast");
  assert.equal((await b.sts.getCallerIdentity({})).Account, "000000000000");
  await b.s3.createBucket({ Bucket: "example" });
  await b.s3.putObject({ Bucket: "example", Key: "train/part-0.csv", Body: rows });
  await b.sm.createTrainingJob({
    TrainingJobName: "first", RoleArn: role, HyperParameters: { num_round: "10", objective: "binary:logistic" },
    AlgorithmSpecification: { TrainingImage: "builtin:xgboost", TrainingInputMode: "File" },
    InputDataConfig: [{ ChannelName: "train", ContentType: "text/csv", DataSource: { S3DataSource: { S3DataType: "S3Prefix", S3Uri: "s3://example/train/" } } }],
    OutputDataConfig: { S3OutputPath: "s3://example/models" }, StoppingCondition: { MaxRuntimeInSeconds: 600 },
    ResourceConfig: { InstanceType: "ml.c5.xlarge", InstanceCount: 1, VolumeSizeInGB: 10 },
  });
  await waitUntilTrainingJobCompletedOrStopped({ client: b.sm, maxWaitTime: 600 }, { TrainingJobName: "first" });
  const job = await b.sm.describeTrainingJob({ TrainingJobName: "first" });
  assert.equal(job.TrainingJobStatus, "Completed");
  assert.ok(job.TrainingEndTime >= job.TrainingStartTime && job.FinalMetricDataList.length > 0);

  await b.sm.createModel({ ModelName: "fraud", ExecutionRoleArn: role, PrimaryContainer: { Image: "builtin:xgboost", ModelDataUrl: job.ModelArtifacts.S3ModelArtifacts } });
  await b.sm.createEndpointConfig({ EndpointConfigName: "fraud", ProductionVariants: [variant("fraud", 2)] });
  await b.sm.createEndpoint({ EndpointName: "Fraud-1", EndpointConfigName: "fraud" });
  await b.inService("Fraud-1");
  assert.equal((await b.journal("request", "DescribeEndpoint")).length, 1, "the waiter did not return as soon as the endpoint was in service");
  assert.equal((await b.describe("Fraud-1")).ProductionVariants[0].CurrentInstanceCount, 2);

  const [high, low] = (await b.invoke("Fraud-1", "0.9,1\n0.1,1")).split("\n").map(Number);
  assert.ok(high > 0.7 && low < 0.3, `${high} ${low}`);
  const answer = await b.rt.invokeEndpoint({ EndpointName: "Fraud-1", ContentType: "text/csv", Accept: "application/json", Body: "0.9,1" });
  assert.equal(answer.InvokedProductionVariant, "AllTraffic");
  assert.ok(JSON.parse(Buffer.from(answer.Body)).predictions[0].score > 0.7);

  await b.config("echo", "builtin:echo", 1);
  await b.sm.updateEndpoint({ EndpointName: "Fraud-1", EndpointConfigName: "echo" });
  await b.inService("Fraud-1");
  assert.equal(await b.invoke("Fraud-1", "x"), "x");
  await b.sm.updateEndpointWeightsAndCapacities({ EndpointName: "Fraud-1", DesiredWeightsAndCapacities: [{ VariantName: "AllTraffic", DesiredInstanceCount: 3 }] });
  await b.inService("Fraud-1");
  assert.equal((await b.describe("Fraud-1")).ProductionVariants[0].CurrentInstanceCount, 3);

  await b.sm.deleteEndpoint({ EndpointName: "Fraud-1" });
  await waitUntilEndpointDeleted({ client: b.sm, maxWaitTime: 600 }, { EndpointName: "Fraud-1" });
  for (const name of ["fraud", "echo"]) {
    await b.sm.deleteEndpointConfig({ EndpointConfigName: name });
    await b.sm.deleteModel({ ModelName: name });
  }
  assert.deepEqual((await b.sm.listModels({})).Models, []);
});

test("objects are put, read in ranges and in parts, copied and removed", async (t) => {
  const b = await start(t, "instant");
  const Bucket = "example";
  await b.s3.createBucket({ Bucket });
  const Key = "a/b c+d é.txt";
  for (const ChecksumAlgorithm of [undefined, "CRC32", "CRC32C", "SHA1", "SHA256"]) {
    const put = await b.s3.putObject({ Bucket, Key, Body: "hello world", ContentType: "text/plain", Metadata: { who: "me" }, ChecksumAlgorithm });
    assert.equal(put.ETag, '"5eb63bbbe01eeed093cb22bb8f5acdc3"');
    const got = await b.s3.getObject({ Bucket, Key, ChecksumMode: "ENABLED" });
    assert.deepEqual([await got.Body.transformToString(), got.ContentType, got.Metadata], ["hello world", "text/plain", { who: "me" }]);
  }
  const part = await b.s3.getObject({ Bucket, Key, Range: "bytes=6-" });
  assert.deepEqual([await part.Body.transformToString(), part.ContentRange], ["world", "bytes 6-10/11"]);
  await b.s3.copyObject({ Bucket, Key: "copy", CopySource: `example/${encodeURIComponent(Key)}` });
  const upload = await b.s3.createMultipartUpload({ Bucket, Key: "big" });
  const Parts = [];
  for (const [i, size] of [5 << 20, 7].entries()) {
    const { ETag, ChecksumCRC32 } = await b.s3.uploadPart({ Bucket, Key: "big", UploadId: upload.UploadId, PartNumber: i + 1, Body: Buffer.alloc(size, "x") });
    Parts.push({ ETag, ChecksumCRC32, PartNumber: i + 1 });
  }
  await b.s3.completeMultipartUpload({ Bucket, Key: "big", UploadId: upload.UploadId, MultipartUpload: { Parts } });
  assert.equal((await b.s3.headObject({ Bucket, Key: "big" })).ContentLength, (5 << 20) + 7);
  for (const [call, name] of [
    [() => b.s3.getObject({ Bucket, Key: "none" }), "NoSuchKey"],
    [() => b.s3.headObject({ Bucket, Key: "none" }), "NotFound"],
    [() => b.s3.getObject({ Bucket: "nowhere", Key: "none" }), "NoSuchBucket"],
    [() => b.s3.getObject({ Bucket, Key, Range: "bytes=99-" }), "InvalidRange"],
    [() => b.s3.deleteBucket({ Bucket }), "BucketNotEmpty"],
  ]) await assert.rejects(call, { name });
  const gone = await b.s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key }, { Key: "copy" }, { Key: "big" }] } });
  assert.equal(gone.Deleted.length, 3);
  await b.s3.deleteBucket({ Bucket });
});
