"""Signs as boto3 does, well and badly, for every service of an emulator that verifies. AWS_ENDPOINT_URL says where it is."""

import datetime
import json
import os
import sys
import urllib.error
import urllib.request

import boto3
import botocore.auth
from botocore.auth import S3SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import shapes

URL = os.environ["AWS_ENDPOINT_URL"]
SECRET = {"AKIDPLAIN": "plain/secret+1", "AKIDSESSION": "other"}
ACCOUNT, ACCOUNT_SECRET = "123456789012", "an account"
TOKEN = {"AKIDSESSION": "the/token=="}
# One call per service and protocol, and how it refuses: awsJson, Query, S3, REST.
CALLS = [
    ("sagemaker", None, "json", lambda c: c.list_models(NameContains="a")),
    ("sagemaker-runtime", None, "rest", lambda c: c.invoke_endpoint(EndpointName="none", Body=b"1,2", ContentType="text/csv", CustomAttributes="a  b")),
    ("application-autoscaling", None, "json", lambda c: c.describe_scalable_targets(ServiceNamespace="sagemaker")),
    ("logs", None, "json", lambda c: c.describe_log_groups()),
    ("ecr", None, "json", lambda c: c.get_authorization_token()),
    ("sqs", None, "json", lambda c: c.list_queues()),
    ("cloudwatch", "json", "json", lambda c: c.list_metrics()),
    ("cloudwatch", "smithy-rpc-v2-cbor", "json", lambda c: c.list_metrics()),
    ("cloudwatch", "query", "query", lambda c: c.list_metrics()),
    ("sns", None, "query", lambda c: c.list_topics()),
    ("sts", None, "query", lambda c: c.get_caller_identity()),
    ("iam", None, "query", lambda c: c.get_role(RoleName="betimes")),
    ("s3", None, "s3", lambda c: c.put_object(Bucket="data", Key="a b+c/\u00e9~%2F", Body=b"hello", Metadata={"who": "me  too"})),
]


made = {}


def client(service, protocol=None, key="AKIDPLAIN", secret=None, token=None, region="us-east-1"):
    """The client of a service, signing with these credentials from now on: to make one takes long."""
    home = region if service == "s3" else "us-east-1"  # S3's rules for endpoints choose the region
    if (service, protocol, home) not in made:
        session = boto3.session.Session("any", "any", None, home)
        if protocol:
            model = session._session.get_component("data_loader").load_service_model(service, "service-2")
            model["metadata"].update(protocol=protocol, protocols=[protocol])
        made[service, protocol, home] = session.client(service, config=shapes.settings.merge(Config(region_name=home)).merge(Config(signature_version="s3v4") if service == "s3" else Config()))
    c = made[service, protocol, home]
    c._request_signer._credentials = Credentials(key, secret or SECRET.get(key, "none"), token or TOKEN.get(key))
    c._request_signer._region_name = region
    return c


def code(call, c):
    """The error of a call, with its status; None for success. What the emulator has not got is a success of the signature."""
    try:
        call(c)
    except ClientError as e:
        if "not found" in str(e):
            return None
        return e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]


class Shifted:
    """The client's clock is off."""

    def __init__(self, **by):
        self.by = datetime.timedelta(**by)

    def __enter__(self):
        self.real = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda *a, **k: self.real(*a, **k) + self.by

    def __exit__(self, *_):
        botocore.auth.get_current_datetime = self.real


def tampered(call, c):
    """A call whose request is changed after it was signed."""
    def change(request, **_):
        body = request.body.read() if hasattr(request.body, "read") else request.body
        body = body.encode() if isinstance(body, str) else body or b""
        if body:
            request.body = body[:-1] + bytes([body[-1] ^ 1])
        else:
            request.url += "?x=y"
    c.meta.events.register("before-send.*", change)
    found = code(call, c)
    c.meta.events.unregister("before-send.*", change)
    return found


STATUS = {"json": 400, "rest": 403, "query": 403}
NAMES = {  # the plain name, Query's name, and what S3 says
    "mismatch": ("InvalidSignatureException", "SignatureDoesNotMatch", ("SignatureDoesNotMatch", 403)),
    "skew": ("InvalidSignatureException", "SignatureDoesNotMatch", ("RequestTimeTooSkewed", 403)),
    "region": ("InvalidSignatureException", "SignatureDoesNotMatch", ("AuthorizationHeaderMalformed", 400)),
    "key": ("UnrecognizedClientException", "InvalidClientTokenId", ("InvalidAccessKeyId", 403)),
    "token": ("UnrecognizedClientException", "InvalidClientTokenId", ("InvalidToken", 400)),
    "body": ("InvalidSignatureException", "SignatureDoesNotMatch", ("XAmzContentSHA256Mismatch", 400)),
}


def expect(what, style, got, at):
    plain, query, objects = NAMES[what]
    want = objects if style == "s3" else (query if style == "query" else plain, STATUS[style])
    assert got == want, (at, what, got, want)


client("s3").create_bucket(Bucket="data")
for service, protocol, style, call in CALLS:
    at = f"{service} {protocol or ''}"
    for key in SECRET:
        assert code(call, client(service, protocol, key)) is None, (at, key, code(call, client(service, protocol, key)))
    expect("mismatch", style, code(call, client(service, protocol, secret="wrong")), at)
    expect("key", style, code(call, client(service, protocol, "AKIDNOBODY")), at)
    expect("token", style, code(call, client(service, protocol, "AKIDSESSION", token="another")), at)
    expect("token", style, code(call, client(service, protocol, "AKIDPLAIN", token="another")), at)
    expect("region", style, code(call, client(service, protocol, region="1-west")), at)
    assert code(call, client(service, protocol, region="eu-west-1")) is None, at
    for minutes in (-16, 16):
        with Shifted(minutes=minutes):
            expect("skew", style, code(call, client(service, protocol)), at)
    with Shifted(minutes=-4):
        assert code(call, client(service, protocol)) is None, at
    expect("body", style, tampered(call, client(service, protocol)), at)
s3 = client("s3")
assert s3.get_object(Bucket="data", Key="a b+c/\u00e9~%2F")["Body"].read() == b"hello", "a tampered body has replaced the object"

# What needs nothing, or not yet: a request without a signature, in each style.
for request, want in [
    (urllib.request.Request(URL + "/data/key"), b"<Code>AccessDenied</Code>"),
    (urllib.request.Request(URL + "/", b"Action=GetCallerIdentity&Version=2011-06-15"), b"<Code>MissingAuthenticationToken</Code>"),
    (urllib.request.Request(URL + "/", b"{}", {"X-Amz-Target": "SageMaker.ListModels"}), b"MissingAuthenticationTokenException"),
]:
    try:
        urllib.request.urlopen(request)
        raise AssertionError("answered without a signature")
    except urllib.error.HTTPError as e:
        assert want in e.read(), want

# Presigned URLs.
s3.put_object(Bucket="data", Key="key", Body=b"hello")
for key in SECRET:
    c = client("s3", key=key)
    link = c.generate_presigned_url("get_object", {"Bucket": "data", "Key": "key", "ResponseContentType": "text/a b"}, ExpiresIn=60)
    assert urllib.request.urlopen(link).read() == b"hello"
    put = c.generate_presigned_url("put_object", {"Bucket": "data", "Key": "put"}, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(put, b"put by link", method="PUT")).read()
    assert c.get_object(Bucket="data", Key="put")["Body"].read() == b"put by link"


def said(link):
    try:
        return urllib.request.urlopen(link).read()
    except urllib.error.HTTPError as e:
        return f"{e.code} " + e.read().decode()


assert said(link.replace("key?", "put?")).startswith("403 ") and "SignatureDoesNotMatch" in said(link.replace("key?", "put?"))
with Shifted(minutes=-2):
    late = client("s3").generate_presigned_url("get_object", {"Bucket": "data", "Key": "key"}, ExpiresIn=60)
assert "AccessDenied" in said(late) and "Request has expired" in said(late), said(late)


# A presigned query of another service, as tools of STS make it.
request = AWSRequest("GET", URL + "/", params={"Action": "GetCallerIdentity", "Version": "2011-06-15"})
SigV4QueryAuth(Credentials("AKIDPLAIN", SECRET["AKIDPLAIN"]), "sts", "us-east-1", expires=60).add_auth(request)
assert b"<Account>000000000000</Account>" in urllib.request.urlopen(request.prepare().url).read()


# Bodies of S3 that are not signed, or end with a trailer.
class As(S3SigV4Auth):
    def __init__(self, hash):
        super().__init__(Credentials("AKIDPLAIN", SECRET["AKIDPLAIN"]), "s3", "us-east-1")
        self.hash = hash

    def payload(self, request):
        return self.hash


def put(hash, body, **headers):
    request = AWSRequest("PUT", URL + "/data/raw", data=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    As(hash).add_auth(request)
    p = request.prepare()
    return said(urllib.request.Request(p.url, body, {k: v for k, v in p.headers.items()}, method="PUT"))


def raw():
    return s3.get_object(Bucket="data", Key="raw")["Body"].read()


assert put("UNSIGNED-PAYLOAD", b"not hashed") == b"" and raw() == b"not hashed"
trailer = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
about = dict(content_encoding="aws-chunked", x_amz_decoded_content_length="5", x_amz_trailer="x-amz-checksum-crc32")
assert put("STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer, **about) == b"" and raw() == b"hello"
assert "400 " in put("STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer.replace(b"hello", b"hallo"), **about) and raw() == b"hello"
bad = put("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", b"5;chunk-signature=00\r\nhollo\r\n0;chunk-signature=00\r\n\r\n", content_encoding="aws-chunked", x_amz_decoded_content_length="5")
assert "403 " in bad and "SignatureDoesNotMatch" in bad and raw() == b"hello", bad

# A link of a notification needs no signature.
assert "not known" not in (answer := str(said(URL + "/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:t:x"))) and "Authentication" not in answer, answer

# Programs that train and serve find credentials of their own account and region.
TRAINS = """
import boto3, os
who = boto3.client("sts").get_caller_identity()["Account"]
boto3.client("s3").put_object(Bucket="data", Key=f"trained-{who}-{os.environ['AWS_REGION']}", Body=b"x")
open(os.environ["SM_MODEL_DIR"] + "/model", "w").close()
"""
SERVES = """
import boto3, http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"")
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(boto3.client("sts").get_caller_identity()["Account"].encode() + b" " + os.environ["AWS_REGION"].encode())
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
ROLE = "arn:aws:iam::000000000000:role/betimes"
for key, secret, account, region in [("AKIDPLAIN", None, "000000000000", "us-east-1"), (ACCOUNT, ACCOUNT_SECRET, ACCOUNT, "eu-west-1")]:
    sm = client("sagemaker", key=key, secret=secret, region=region)
    sm.create_training_job(
        TrainingJobName="asks", RoleArn=ROLE, OutputDataConfig={"S3OutputPath": "s3://data/models"}, StoppingCondition={"MaxRuntimeInSeconds": 60},
        AlgorithmSpecification={"TrainingImage": "exec:" + sys.executable, "TrainingInputMode": "File", "ContainerArguments": ["-c", TRAINS]},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1})
    job = sm.describe_training_job(TrainingJobName="asks")
    while job["TrainingJobStatus"] == "InProgress":
        job = sm.describe_training_job(TrainingJobName="asks")
    assert job["TrainingJobStatus"] == "Completed" and f":{region}:{account}:" in job["TrainingJobArn"], job
    assert client("s3").get_object(Bucket="data", Key=f"trained-{account}-{region}")["Body"].read() == b"x"
    sm = client("sagemaker", key=key, secret=secret, region=region)
    sm.create_model(ModelName="asks", PrimaryContainer={"Image": "exec:" + sys.executable, "Environment": {"BETIMES_EXEC_ARGS": json.dumps(["-c", SERVES])}})
    sm.create_endpoint_config(EndpointConfigName="asks", ProductionVariants=[{"VariantName": "a", "ModelName": "asks", "InitialInstanceCount": 1, "InstanceType": "ml.c5.xlarge"}])
    sm.create_endpoint(EndpointName="asks", EndpointConfigName="asks")
    while (endpoint := sm.describe_endpoint(EndpointName="asks"))["EndpointStatus"] == "Creating":
        pass
    assert endpoint["EndpointStatus"] == "InService", endpoint
    got = client("sagemaker-runtime", key=key, secret=secret, region=region).invoke_endpoint(EndpointName="asks", Body=b"?")["Body"].read()
    assert got == f"{account} {region}".encode(), got
print("signed")
