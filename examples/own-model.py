"""The smallest model server: answers how long a text is. Standard library only."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep connections open between calls

    def do_GET(self):  # /ping: ready to serve
        self.answer({})

    def do_POST(self):  # /invocations: one event's request
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer({"length": len(request["text"]), "long": request["words"] > 20})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass  # a line per call would cost more than the answer


if __name__ == "__main__":
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    ThreadingHTTPServer(("127.0.0.1", port), Model).serve_forever()
