"""Compares replies, as they are on the wire, with botocore's service models.

watch(client) looks at every JSON reply of a client: required members, members
that the model does not know, types, enums, lengths, ranges and patterns; and
whether an error is one that the operation may give. done(...) fails when
something was wrong or an operation was never called.
"""

import json
import re

wrong = []
called = {}  # service → operations that answered with success
# What every operation of awsJson may answer beside its modelled errors.
COMMON = {"ValidationException", "UnknownOperationException", "SerializationException", "ThrottlingException", "AccessDeniedException"}
TYPES = {
    "string": str, "structure": dict, "map": dict, "list": list, "integer": int, "long": int, "boolean": bool,
    "float": (int, float), "double": (int, float), "timestamp": (int, float), "blob": str,
}


def watch(client):
    service = client.meta.service_model
    called.setdefault(service.service_name, set())

    def look(operation_model, response_dict, **_):
        name = operation_model.name
        body = json.loads(response_dict["body"] or b"{}")
        if response_dict["status_code"] >= 300:
            error = body.get("__type", "").split("#")[-1]
            known = COMMON | {s.error_code if hasattr(s, "error_code") else s.name for s in operation_model.error_shapes} | {s.name for s in operation_model.error_shapes}
            if error not in known:
                wrong.append(f"{name}: the error {error} is not in the model: {sorted(known)}")
            if not isinstance(body.get("Message", body.get("message")), str):
                wrong.append(f"{name}: an error without a text: {body}")
            return
        called[service.service_name].add(name)
        if operation_model.output_shape is not None:
            compare(name, operation_model.output_shape, body)

    client.meta.events.register(f"before-parse.{service.service_id.hyphenize()}", look)
    return client


def compare(at, shape, value):
    kind = TYPES[shape.type_name]
    if not isinstance(value, kind) or isinstance(value, bool) != (shape.type_name == "boolean"):
        wrong.append(f"{at}: {value!r} is not a {shape.type_name}")
        return
    bounds(at, shape, value)
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
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


def done(service, operations):
    never = sorted(set(operations) - called.get(service, set()))
    for text in sorted(set(wrong)):
        print("WRONG", text)
    if never:
        print("NEVER CALLED", never)
    assert not wrong and not never, f"{len(set(wrong))} replies differ from the service model, {len(never)} operations were not called"
