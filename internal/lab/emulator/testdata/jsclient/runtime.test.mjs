import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { NoSuchKey } from "@aws-sdk/client-s3";
import { ModelError } from "@aws-sdk/client-sagemaker-runtime";

import { start, variant } from "./box.mjs";

// words is a model server that writes one word after the other, and breaks off after "broken".
async function words(t) {
  const server = createServer(async (request, answer) => {
    if (request.url === "/ping") {
      answer.end();
      return;
    }
    const body = Buffer.concat(await request.toArray()).toString();
    if (body === "refused") {
      answer.writeHead(418).end("no");
      return;
    }
    answer.writeHead(200, { "Content-Type": "text/plain" });
    for (const word of body.split(" ")) {
      await new Promise((written) => answer.write(word, written));
      if (word === "broken") {
        answer.destroy();
        return;
      }
    }
    answer.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

test("a stream is read to its end or to its exception", async (t) => {
  const b = await start(t, "instant");
  await b.deploy("words", await words(t));
  const read = async (body) => {
    const answer = await b.rt.invokeEndpointWithResponseStream({ EndpointName: "words", ContentType: "text/plain", Body: body });
    assert.equal(answer.ContentType, "text/plain");
    assert.equal(answer.InvokedProductionVariant, "AllTraffic");
    let all = "";
    try {
      for await (const event of answer.Body) all += Buffer.from(event.PayloadPart.Bytes).toString();
    } catch (error) {
      return [all, error];
    }
    return [all];
  };
  assert.deepEqual(await read("one two three"), ["onetwothree"]);
  const [half, error] = await read("half broken never");
  assert.equal(half, "halfbroken");
  assert.equal(error.name, "ModelStreamError");
  assert.equal(error.ErrorCode, "StreamBroken");
  await assert.rejects(read("refused"), (e) => e instanceof ModelError && e.OriginalStatusCode === 418);
  const big = "x".repeat(3 << 20);
  assert.deepEqual(await read(big), [big]);
});

test("asynchronous requests end in objects and notifications", async (t) => {
  const b = await start(t, "instant");
  await b.s3.createBucket({ Bucket: "data" });
  await b.s3.putObject({ Bucket: "data", Key: "in.csv", Body: "from S3" });
  const topic = (await b.sns.createTopic({ Name: "ended" })).TopicArn;
  const queue = (await b.sqs.createQueue({ QueueName: "ended" })).QueueUrl;
  const { Attributes: about } = await b.sqs.getQueueAttributes({ QueueUrl: queue, AttributeNames: ["QueueArn"] });
  await b.sns.subscribe({ TopicArn: topic, Protocol: "sqs", Endpoint: about.QueueArn });
  await b.deploy("slow", "builtin:echo", 1, {
    AsyncInferenceConfig: { OutputConfig: { S3OutputPath: "s3://data/out", S3FailurePath: "s3://data/bad", NotificationConfig: { SuccessTopic: topic, ErrorTopic: topic } } },
  });
  const ended = async () => {
    for (;;) {
      const { Messages: [message] = [] } = await b.sqs.receiveMessage({ QueueUrl: queue, WaitTimeSeconds: 10 });
      assert.ok(message, "no notification");
      await b.sqs.deleteMessage({ QueueUrl: queue, ReceiptHandle: message.ReceiptHandle });
      const notice = JSON.parse(JSON.parse(message.Body).Message);
      if (notice.eventName !== "TestNotification") return notice;
    }
  };
  const read = async (location) => {
    const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.*)$/.exec(location);
    return (await b.s3.getObject({ Bucket, Key })).Body.transformToString();
  };
  for (const [want, input] of [["from S3", { InputLocation: "s3://data/in.csv" }], ["inline", { Body: "inline" }]]) {
    const answer = await b.rt.invokeEndpointAsync({ EndpointName: "slow", ContentType: "text/csv", InferenceId: "mine", ...input });
    assert.equal(answer.$metadata.httpStatusCode, 202);
    assert.equal(answer.InferenceId, "mine");
    const notice = await ended();
    assert.equal(notice.invocationStatus, "Completed");
    assert.equal(notice.responseParameters.outputLocation, answer.OutputLocation);
    assert.equal(await read(answer.OutputLocation), want);
  }
  const answer = await b.rt.invokeEndpointAsync({ EndpointName: "slow", InputLocation: "s3://data/none" });
  const notice = await ended();
  assert.equal(notice.invocationStatus, "Failed");
  assert.match(await read(answer.FailureLocation), /Failed to download s3:\/\/data\/none/);
  await assert.rejects(read(answer.OutputLocation), NoSuchKey);
  await assert.rejects(b.invoke("slow", "x"), { name: "ValidationError" });
  await assert.rejects(b.rt.invokeEndpointAsync({ EndpointName: "slow" }), { name: "ValidationError" });
});

test("a hundred calls are answered at once, and weights change meanwhile", async (t) => {
  const b = await start(t, "instant");
  await b.sm.createModel({ ModelName: "echo", PrimaryContainer: { Image: "builtin:echo" } });
  await b.sm.createEndpointConfig({ EndpointConfigName: "two", ProductionVariants: [{ ...variant("echo", 1), VariantName: "a" }, { ...variant("echo", 1), VariantName: "b" }] });
  await b.sm.createEndpoint({ EndpointName: "two", EndpointConfigName: "two" });
  await b.inService("two");
  const calls = Array.from({ length: 100 }, async (_, i) => assert.equal(await b.invoke("two", `row ${i}`), `row ${i}`));
  await b.sm.updateEndpointWeightsAndCapacities({ EndpointName: "two", DesiredWeightsAndCapacities: [{ VariantName: "a", DesiredWeight: 0 }] });
  await b.inService("two");
  await Promise.all(calls);
  for (let i = 0; i < 10; i++) {
    const answer = await b.rt.invokeEndpoint({ EndpointName: "two", Body: "x" });
    assert.equal(answer.InvokedProductionVariant, "b");
  }
});
