"""Compares replies, as they are on the wire, with botocore's service models.

client(service) makes a client whose every reply is looked at: required members,
members that the model does not know, types, enums, lengths, ranges and patterns,
of bodies and headers; and whether an error is one that the operation may give,
with the status of its model. done(...) fails when something was wrong or when an
operation of the emulator's own table was never answered with success.
"""

import base64
import datetime
import io
import json
import os
import re
import urllib.request
from xml.etree import ElementTree

import boto3
from botocore.config import Config
from botocore.parsers import create_parser

wrong = []
called = {}  # service or service/protocol → operations that answered with success
# What every operation may answer beside its modelled errors.
COMMON = {"ValidationException", "UnknownOperationException", "SerializationException", "ThrottlingException", "AccessDeniedException",
          "InvalidAction", "ValidationError", "MissingParameter", "MalformedQueryString"}
# What S3 answers beside its model, which names few errors.
S3_ERRORS = {"NoSuchKey", "NoSuchBucket", "NoSuchUpload", "InvalidRange", "BucketNotEmpty", "PreconditionFailed", "BadDigest", "InvalidArgument",
             "MalformedXML", "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidBucketName", "NotImplemented", "XAmzContentSHA256Mismatch"}
# Lists that SQS leaves out when they are empty, whatever its model says.
LEFT_OUT = {"SendMessageBatch": {"Successful", "Failed"}, "DeleteMessageBatch": {"Successful", "Failed"}}
TYPES = {
    "string": str, "structure": dict, "map": dict, "list": list, "integer": int, "long": int, "boolean": bool,
    "float": (int, float), "double": (int, float), "timestamp": (int, float), "blob": (str, bytes),
}
settings = Config(region_name="us-east-1", retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def own(path, request=None):
    """Asks the emulator's own interface."""
    body = None if request is None else json.dumps(request).encode()
    with urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, data=body)) as answer:
        return json.load(answer)


def client(service, protocol=None):
    """A client that is looked at, speaking another protocol than its first when asked to."""
    session = boto3.session.Session()
    if protocol:
        model = session._session.get_component("data_loader").load_service_model(service, "service-2")
        model["metadata"].update(protocol=protocol, protocols=[protocol])
    return watch(session.client(service, config=settings), protocol)


def watch(client, protocol=None):
    service = client.meta.service_model
    protocol = service.resolved_protocol
    key = service.service_name + ("/" + protocol if service.metadata.get("protocols") == [protocol] and service.service_name == "cloudwatch" else "")
    called.setdefault(key, set())

    def look(operation_model, response_dict, **_):
        name = operation_model.name
        reply = Reply(protocol, name, operation_model, response_dict)
        if not any(h.lower() == "x-amzn-requestid" for h in response_dict["headers"]):
            wrong.append(f"{name}: no request id")
        if response_dict["status_code"] >= 300:
            reply.refused()
            return
        called[key].add(name)
        shape = operation_model.output_shape
        want = operation_model.http.get("responseCode", 200)
        if response_dict["status_code"] not in (want, 200 if want == 204 else want, 206):
            wrong.append(f"{name}: status {response_dict['status_code']}, not {want}")
        if shape is not None:
            compare(name, shape, reply.members(shape))

    client.meta.events.register(f"before-parse.{service.service_id.hyphenize()}", look)
    return client


class Reply:
    """What one answer holds, by protocol."""

    def __init__(self, protocol, name, operation, response):
        self.protocol, self.name, self.operation, self.response = protocol, name, operation, response
        self.headers = {k.lower(): v for k, v in response["headers"].items()}

    def members(self, shape):
        body = self.response["body"]
        if self.protocol == "json":
            return json.loads(body or b"{}")
        if self.protocol == "smithy-rpc-v2-cbor":
            if self.headers.get("smithy-protocol") != "rpc-v2-cbor":
                wrong.append(f"{self.name}: no Smithy-Protocol header")
            return parsed_cbor(body)
        if self.protocol == "query":
            root = without_spaces(ElementTree.fromstring(body))
            if root.tag != self.name + "Response" or root.find("ResponseMetadata/RequestId") is None:
                wrong.append(f"{self.name}: the root is {root.tag}, or there is no request id in it")
            wrapper = shape.serialization.get("resultWrapper")
            return from_xml(self.name, shape, root.find(wrapper) if wrapper else root)
        return self.rest(shape, body)

    def rest(self, shape, body):
        """Members in headers, and those in the body: a stream is left to who reads it."""
        all, inside = {}, {}
        for name, member in shape.members.items():
            where = member.serialization.get("location")
            at = member.serialization.get("name", name).lower()
            if where == "header" and at in self.headers:
                all[name] = scalar(f"{self.name}.{name}", member, self.headers[at], "rfc822")
            elif where == "headers":
                found = {k[len(at):]: v for k, v in self.headers.items() if k.startswith(at)}
                if found:
                    all[name] = found
            elif where is None:
                inside[name] = member
        payload = shape.serialization.get("payload")
        if payload is not None:
            member = shape.members[payload]
            if member.serialization.get("eventstream") or member.type_name == "blob":
                return all | {payload: {} if member.type_name == "structure" else b""}
            return all | {payload: from_xml(f"{self.name}.{payload}", member, without_spaces(ElementTree.fromstring(body)))}
        if not inside:
            return all
        if self.protocol == "rest-json":
            return all | json.loads(body or b"{}")
        if self.name == "GetBucketLocation":  # its root is the member itself
            root = without_spaces(ElementTree.fromstring(body))
            assert root.tag == "LocationConstraint" and not root.text, body
            return all
        return all | from_xml(self.name, shape, without_spaces(ElementTree.fromstring(body))) if body else all

    def refused(self):
        code, text = self.error()
        known = COMMON | (S3_ERRORS if self.protocol == "rest-xml" else set())
        status = {}
        for s in self.operation.error_shapes:
            about = s.metadata.get("error", {})
            known |= {s.name, about.get("code", s.name)}
            for n in (s.name, about.get("code", s.name)):
                status[n] = about.get("httpStatusCode")
        if self.response["status_code"] == 304 or self.operation.http["method"] == "HEAD":
            return
        if code not in known:
            wrong.append(f"{self.name}: the error {code} is not in the model: {sorted(known - COMMON)}")
        elif status.get(code) and status[code] != self.response["status_code"]:
            wrong.append(f"{self.name}: the error {code} has the status {self.response['status_code']}, not {status[code]}")
        if not isinstance(text, str) and code != "ThrottlingException":
            wrong.append(f"{self.name}: an error without a text: {self.response['body']}")

    def error(self):
        body = self.response["body"]
        if self.response["status_code"] == 304 or self.operation.http["method"] == "HEAD":  # without a body
            return None, ""
        if self.protocol in ("query", "rest-xml"):
            root = without_spaces(ElementTree.fromstring(body))
            if self.protocol == "query":
                if root.tag != "ErrorResponse" or root.findtext("Error/Type") not in ("Sender", "Receiver") or not root.findtext("RequestId"):
                    wrong.append(f"{self.name}: the error is no ErrorResponse of a side with a request id: {body}")
                root = root.find("Error")
            return root.findtext("Code"), root.findtext("Message")
        said = parsed_cbor(body) if self.protocol == "smithy-rpc-v2-cbor" else json.loads(body)
        code = self.headers["x-amzn-errortype"] if self.protocol == "rest-json" else said.get("__type", "")
        return code.split("#")[-1], said.get("Message", said.get("message"))


def parsed_cbor(body):
    parser = create_parser("smithy-rpc-v2-cbor")
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)) if body else {}


def without_spaces(root):
    for e in root.iter():
        e.tag = e.tag.split("}")[-1]
    return root


def from_xml(at, shape, node):
    """The value of an element; elements that the model does not know are wrong."""
    if node is None:
        return {}
    if shape.type_name == "structure":
        return structure(at, shape, node)
    if shape.type_name == "list":
        tag = shape.member.serialization.get("name", "member")
        return [from_xml(at + "[]", shape.member, e) for e in node if named(at, e, tag)]
    if shape.type_name == "map":
        return {e.findtext(shape.key.serialization.get("name", "key")): from_xml(at, shape.value, e.find(shape.value.serialization.get("name", "value")))
                for e in node if named(at, e, "entry")}
    return scalar(at, shape, node.text or "", "iso8601")


def named(at, element, tag):
    if element.tag != tag:
        wrong.append(f"{at}: an element {element.tag}, not {tag}")
    return element.tag == tag


def structure(at, shape, node):
    known = {}
    for name, member in shape.members.items():
        flat = member.type_name == "list" and member.serialization.get("flattened")
        tag = member.serialization.get("name", name)
        if flat and member.member.serialization.get("name"):
            tag = member.member.serialization["name"]
        known[tag] = (name, member, flat)
    value = {}
    for e in node:
        if e.tag not in known:
            wrong.append(f"{at}: element {e.tag} is not in the model")
            continue
        name, member, flat = known[e.tag]
        if flat:
            value.setdefault(name, []).append(from_xml(f"{at}.{name}[]", member.member, e))
        elif name in value:
            wrong.append(f"{at}: element {e.tag} is there twice")
        else:
            value[name] = from_xml(f"{at}.{name}", member, e)
    return value


TIMES = {"iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "rfc822": r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"}


def scalar(at, shape, text, times):
    """The value of a text that may stand for a number, a flag or a time."""
    kind = shape.type_name
    if kind == "boolean":
        if text not in ("true", "false"):
            wrong.append(f"{at}: {text!r} is not true or false")
        return text == "true"
    if kind in ("integer", "long", "float", "double"):
        try:
            return int(text) if kind in ("integer", "long") else float(text)
        except ValueError:
            return text
    if kind == "timestamp":
        if not re.fullmatch(TIMES[times], text):
            wrong.append(f"{at}: {text!r} is no time as in {times}")
        return 0
    if kind == "blob":
        return base64.b64decode(text)
    return text


def compare(at, shape, value):
    kind = TYPES[shape.type_name]
    if shape.type_name == "timestamp" and isinstance(value, datetime.datetime):  # CBOR has a tag for times
        return
    if not isinstance(value, kind) or isinstance(value, bool) != (shape.type_name == "boolean"):
        wrong.append(f"{at}: {value!r} is not a {shape.type_name}")
        return
    bounds(at, shape, value)
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value and name not in LEFT_OUT.get(at, ()):
                wrong.append(f"{at}: required member {name} is missing")
        for name, inner in value.items():
            if name not in shape.members:
                wrong.append(f"{at}: member {name} is not in the model")
            else:
                compare(f"{at}.{name}", shape.members[name], inner)
    elif shape.type_name == "list":
        for inner in value:
            compare(at + "[]", shape.member, inner)
    elif shape.type_name == "map":
        for key, inner in value.items():
            compare(f"{at}[{key}]", shape.key, key)
            compare(f"{at}[{key}]", shape.value, inner)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        wrong.append(f"{at}: {value!r} is not one of {shape.enum}")


def bounds(at, shape, value):
    size = value if isinstance(value, (int, float)) else len(value)
    low, high, pattern = (shape.metadata.get(m) for m in ("min", "max", "pattern"))
    if shape.type_name in ("structure", "boolean", "timestamp"):
        return
    if low is not None and size < low or high is not None and size > high:
        wrong.append(f"{at}: {value!r} is outside {low} to {high}")
    if pattern and shape.type_name == "string" and (value or low):  # what is not there yet may be empty
        try:
            fits = re.fullmatch(pattern, value)
        except re.error:  # \p{L} and the like, which Python does not know
            return
        if not fits:
            wrong.append(f"{at}: {value!r} does not match {pattern}")


def done(*services):
    """Every operation that the emulator says it has was answered with success, and nothing was wrong."""
    built = own("/_emu/operations")
    never = sorted(f"{s}:{o}" for s in services for o in set(built[s.split("/")[0]]) - called.get(s, set()))
    for text in sorted(set(wrong)):
        print("WRONG", text)
    if never:
        print("NEVER ANSWERED", never)
    assert not wrong and not never, f"{len(set(wrong))} replies differ from the service model, {len(never)} operations were not answered"
    print(sum(len(built[s.split("/")[0]]) for s in services), "operations fit their models")
