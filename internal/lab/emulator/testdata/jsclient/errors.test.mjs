import assert from "node:assert/strict";
import { test } from "node:test";

import * as runtime from "@aws-sdk/client-sagemaker-runtime";

import { start } from "./box.mjs";

// refused gives the error of a call, which must come.
async function refused(call) {
  return call.then((answer) => assert.fail(`answered ${JSON.stringify(answer)}`), (error) => error);
}

test("injected errors have their class and are retried as the SDK does", async (t) => {
  const b = await start(t, "instant");
  const cases = [
    { fault: "throttle", name: "ThrottlingException", attempts: 3 },
    { fault: "not_ready", name: "ModelNotReadyException", attempts: 3 },
    { fault: "internal", name: "InternalFailure", attempts: 3 },
    { fault: "unavailable", name: "ServiceUnavailable", attempts: 3 },
    { fault: "dependency", name: "InternalDependencyException", attempts: 1 },
    { fault: "model_error", name: "ModelError", attempts: 1, more: { status: 503, body: "out of memory" } },
  ];
  await b.config("echo", "builtin:echo", 1);
  await Promise.all(cases.map(async (c) => {
    const endpoint = c.fault.replace("_", "-");
    await b.sm.createEndpoint({ EndpointName: endpoint, EndpointConfigName: "echo" });
    await b.inService(endpoint);
    await b.own("POST", "/_emu/faults", { fault: c.fault, match: { endpoint }, ...c.more });
    const error = await refused(b.invoke(endpoint, "x"));
    assert.equal(error.name, c.name);
    assert.ok(error instanceof (runtime[c.name] ?? runtime.SageMakerRuntimeServiceException), error.name);
    const tries = (await b.journal("request", "InvokeEndpoint")).filter((e) => e.resource === `endpoint/${endpoint}` && e.error === c.name);
    assert.equal(tries.length, c.attempts, `attempts at ${c.name}`);
    assert.equal(error.$metadata.attempts, c.attempts, `attempts that the SDK tells of ${c.name}`);
  }));
});

test("a model error carries what the container said", async (t) => {
  const b = await start(t, "instant");
  await b.deploy("fraud", "builtin:echo");
  await b.own("POST", "/_emu/faults", { fault: "model_error", status: 415, body: "not a number", match: { endpoint: "fraud" } });
  const error = await refused(b.invoke("fraud", "x"));
  assert.ok(error instanceof runtime.ModelError);
  assert.equal(error.OriginalStatusCode, 415);
  assert.equal(error.OriginalMessage, "not a number");
  assert.equal(error.LogStreamArn, "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/fraud");
  assert.match(error.message, /^Received client error \(415\) from primary with message "not a number"\. See https:/);
  const missing = await refused(b.invoke("Fraud", "x"));
  assert.ok(missing instanceof runtime.ValidationError);
  assert.equal(missing.message, "Endpoint Fraud of account 000000000000 not found.");
});

test("refusals are in the words of AWS", async (t) => {
  const b = await start(t, "instant");
  await b.deploy("fraud", "builtin:echo");
  const arn = "arn:aws:sagemaker:us-east-1:000000000000:";
  const image = { PrimaryContainer: { Image: "i" } };
  for (const [call, name, says] of [
    [() => b.describe("None"), "ValidationException", `Could not find endpoint "${arn}endpoint/None".`],
    [() => b.describe("x".repeat(64)), "ValidationException", "Member must have length less than or equal to 63"],
    [() => b.sm.createModel({ ModelName: "a b", ...image }), "ValidationException", "1 validation error detected: Value 'a b' at 'modelName' failed to satisfy constraint: Member must satisfy regular expression pattern: "],
    [() => b.sm.createModel({ ModelName: "fraud", ...image }), "ValidationException", `Cannot create already existing model "${arn}model/fraud".`],
    [() => b.sm.createModel({ ModelName: "-", ExecutionRoleArn: "nobody-is-this-role-anywhere", ...image }), "ValidationException", "2 validation errors detected: "],
    [() => b.sm.createModel({ ...image }), "ValidationException", "Value null at 'modelName' failed to satisfy constraint: Member must not be null"],
    [() => b.sm.listModels({ SortOrder: "Sideways" }), "ValidationException", "Value 'Sideways' at 'sortOrder' failed to satisfy constraint: Member must satisfy enum value set: [Ascending, Descending]"],
    [() => b.sm.listPipelines({}), "UnknownOperationException", '"ListPipelines"'],
  ]) {
    const error = await refused(call());
    assert.equal(error.name, name);
    assert.ok(error.message.includes(says), error.message);
  }
});
