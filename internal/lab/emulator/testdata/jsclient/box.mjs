// An emulator as a process of its own, and the clients of its services as a
// user makes them: all is the SDK's default.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { ApplicationAutoScaling } from "@aws-sdk/client-application-auto-scaling";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { S3 } from "@aws-sdk/client-s3";
import { SageMaker, waitUntilEndpointInService } from "@aws-sdk/client-sagemaker";
import { SageMakerRuntime } from "@aws-sdk/client-sagemaker-runtime";
import { SNS } from "@aws-sdk/client-sns";
import { SQS } from "@aws-sdk/client-sqs";
import { STS } from "@aws-sdk/client-sts";

// start runs an emulator until the test t ends.
export async function start(t, profile) {
  const dir = await mkdtemp(join(tmpdir(), "emulator-"));
  const child = spawn(process.env.BETIMES, ["emulate", "--set", "lab.emulator.listen=127.0.0.1:0", "--set", `lab.emulator.profile=${profile}`], { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  t.after(async () => {
    if (child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await rm(dir, { recursive: true });
  });
  for await (const line of createInterface({ input: child.stderr })) {
    const found = /^ +aws +(http:\S+)/.exec(line);
    if (found) {
      child.stderr.resume();
      return new Box(found[1]);
    }
  }
  throw new Error("the emulator did not say where it listens");
}

class Box {
  constructor(endpoint) {
    const all = { endpoint, region: "us-east-1", credentials: { accessKeyId: "any", secretAccessKey: "any" } };
    this.url = endpoint;
    this.sm = new SageMaker(all);
    this.rt = new SageMakerRuntime(all);
    this.s3 = new S3({ ...all, forcePathStyle: true });
    this.sns = new SNS(all);
    this.sqs = new SQS(all);
    this.sts = new STS(all);
    this.cw = new CloudWatch(all);
    this.auto = new ApplicationAutoScaling(all);
  }

  // own asks the emulator's own interface.
  async own(method, path, request) {
    const answer = await fetch(this.url + path, { method, body: request && JSON.stringify(request) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text;
  }

  // elapse advances the emulator's clock and waits for what that brings.
  async elapse(by) {
    await this.own("POST", "/_emu/clock/advance", { by });
  }

  // journal gives the entries of a kind and an operation.
  async journal(kind, operation) {
    const lines = (await this.own("GET", "/_emu/journal")).trim().split("\n");
    return lines.map((line) => JSON.parse(line)).filter((e) => e.kind === kind && e.operation === operation);
  }

  // config makes a model of an image and a config of the same name.
  async config(name, image, count, more) {
    await this.sm.createModel({ ModelName: name, PrimaryContainer: { Image: image } });
    await this.sm.createEndpointConfig({ EndpointConfigName: name, ProductionVariants: [variant(name, count)], ...more });
  }

  // deploy makes an endpoint and waits until it is in service.
  async deploy(name, image, count = 1, more) {
    await this.config(name, image, count, more);
    await this.sm.createEndpoint({ EndpointName: name, EndpointConfigName: name });
    await this.inService(name);
  }

  async inService(name) {
    await waitUntilEndpointInService({ client: this.sm, maxWaitTime: 600 }, { EndpointName: name });
  }

  async describe(name) {
    return this.sm.describeEndpoint({ EndpointName: name });
  }

  // invoke sends CSV and gives the answer's text.
  async invoke(name, body) {
    const answer = await this.rt.invokeEndpoint({ EndpointName: name, ContentType: "text/csv", Body: body });
    return Buffer.from(answer.Body).toString();
  }
}

// variant is one variant of a model.
export function variant(model, count) {
  return { VariantName: "AllTraffic", ModelName: model, InitialInstanceCount: count, InstanceType: "ml.c5.xlarge" };
}
