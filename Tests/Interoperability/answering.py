"""A model server in the test's own process: a function returns the model's answer, and every request is kept."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    # Simultaneous connections; of more, the last ones wait for a second.
    request_queue_size = 1024


class AnsweringServer:
    """`reply(path, body)` is a text, which becomes a chat's answer, or a whole body, or (status, body)."""

    def __init__(self, reply):
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append((self.path, body))
                said = reply(self.path, body)
                status, said = said if isinstance(said, tuple) else (200, said)
                text = json.dumps(chat(said) if isinstance(said, str) else said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def bodies(self):
        return [body for _, body in self.requests]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def chat(text):
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def question(body):
    """The text of the last turn."""
    return body["messages"][-1]["content"]
