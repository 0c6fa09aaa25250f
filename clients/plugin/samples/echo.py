#!/usr/bin/env python3
"""A sample plugin with the standard library alone: where somebody else says
"echo ...", it says "...". It needs the grants receive and send. With the argument
"push" messages are pushed to it; else it asks for them. docs/plugins.md tells how."""

import os
import socket
import sys


class Chat:
    """A connection to the chat: messages are dictionaries of their lines."""

    def __init__(self, mode):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(os.environ["NEOCHAT_PLUGIN_SOCKET"])
        self.lines = self.stream.makefile("rb")
        self.me = self.call("register", plugin_name=os.environ["NEOCHAT_PLUGIN_NAME"],
                            token=os.environ["NEOCHAT_PLUGIN_TOKEN"], mode=mode)["user_account"]

    def read(self):
        """Returns the next message, None at the end."""
        message, name = {}, None
        for line in self.lines:
            line = line.decode()[:-1]
            if line == "" and message:
                return message
            if line.startswith(" "):
                message[name] += "\n" + line[1:]
            elif line:
                name, _, value = line.partition(":")
                message[name] = value[1:] if value.startswith(" ") else value
        return None

    def send(self, call, **values):
        text = "message_type: plugin\ncall: " + call + "\n"
        for name, value in values.items():
            text += name + ": " + str(value).replace("\n", "\n ") + "\n"
        self.stream.sendall((text + "\n").encode())

    def call(self, call, **values):
        """Sends a request and returns its answer, the messages of a list under "items"."""
        self.send(call, **values)
        answer = self.read()
        if answer is None:
            sys.exit(0)  # the chat has ended
        if answer["stat"] != "200":
            sys.exit(answer["stat"] + ": " + answer["reason"])
        answer["items"] = [self.read() for _ in range(int(answer.get("count", 0)))]
        return answer

    def pulled(self):
        while True:
            yield from self.call("get_message", wait_ms=60000)["items"]

    def pushed(self):
        while (message := self.read()) is not None:
            if "stat" not in message:
                yield message
            elif message["stat"] != "200":
                sys.exit(message["stat"] + ": " + message["reason"])


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else "pull"
    chat = Chat(mode)
    for message in chat.pushed() if mode == "push" else chat.pulled():
        text = message.get("text", "")
        if message["message_type"] != "text" or message["user_account"] == chat.me or not text.startswith("echo "):
            continue
        answer = dict(conversation=message["conversation"], text=text[5:], client_message_id=message["message_id"])
        if mode == "push":
            chat.send("send_message", **answer)  # its answer comes between the messages
        else:
            chat.call("send_message", **answer)


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        pass
