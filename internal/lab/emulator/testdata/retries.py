"""Calls endpoints that always fail, all at once, and prints what boto3 made of each answer. AWS_ENDPOINT_URL says where.

Arguments: MODE/ENDPOINT, where MODE is a retry mode of botocore or default. One JSON object per line.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

MODES = {"default": None, "legacy": {"mode": "legacy"}, "standard": {"mode": "standard"}, "adaptive": {"mode": "adaptive"}}
clients = {name: boto3.client("sagemaker-runtime", config=Config(retries=retries, max_pool_connections=50)) for name, retries in MODES.items()}


def call(argument):
    mode, endpoint = argument.split("/")
    try:
        clients[mode].invoke_endpoint(EndpointName=endpoint, Body=b"1")
        raise AssertionError("was answered")
    except ClientError as e:
        return {"endpoint": endpoint, "class": type(e).__name__, "code": e.response["Error"]["Code"], "message": e.response["Error"]["Message"],
                "status": e.response["ResponseMetadata"]["HTTPStatusCode"], "retries": e.response["ResponseMetadata"]["RetryAttempts"],
                "original": e.response.get("OriginalStatusCode", 0)}


for line in ThreadPoolExecutor(50).map(call, sys.argv[1:]):
    print(json.dumps(line))
