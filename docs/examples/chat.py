#!/usr/bin/env python3
"""A NeoChat client: python3 chat.py ws://localhost:8080 ACCOUNT FRIEND, the password in NEOCHAT_PASSWORD.

Each line typed is sent to FRIEND; what anybody says to ACCOUNT is printed, with what was said while it was
away. Written from docs/protocol.md alone; needs python3-websockets.
"""
import asyncio
import contextlib
import os
import random
import secrets
import sys

import websockets

def encode(fields):
    """A protocol message: lines `name: value`; a value's next line begins with one space; an empty line ends it."""
    return "".join(f"{name}: " + value.replace("\n", "\n ") + "\n" for name, value in fields.items()) + "\n"

def decode(frame):
    """The protocol messages of a frame, as dictionaries."""
    message, last = {}, None
    for line in frame.split("\n"):
        if line.startswith(" ") and last:
            message[last] += "\n" + line[1:]
        elif line:
            last, _, value = line.partition(":")
            message[last] = value[1:] if value.startswith(" ") else value
        elif message:
            yield message
            message, last = {}, None
    if message:
        yield message

class Chat:
    def __init__(self, url, account, friend):
        self.url, self.account, self.friend = url, account, friend
        self.waiting = {}  # by client_message_id: sent, or to be sent, and not answered yet
        self.seen = set()  # message ids: the server may tell one twice
        self.socket = None

    async def say(self, text):
        number = secrets.token_hex(8)
        ids = {"task_id": number, "client_message_id": number}
        self.waiting[number] = {"message_type": "text", **ids, "friends": self.friend, "text": text}
        await self.send(number)

    async def send(self, number, after=0):
        await asyncio.sleep(after)
        if self.socket:
            with contextlib.suppress(websockets.ConnectionClosed):  # it goes out with the next connection
                await self.socket.send(encode(self.waiting[number]))

    def hear(self, message):
        number = message.get("task_id")
        if number in self.waiting:
            if message["stat"] in ("429", "503"):  # too often; unknown: the same again is safe
                return asyncio.create_task(self.send(number, int(message.get("retry_after", 2))))
            del self.waiting[number]
            if message["stat"] != "200":
                print(f"! not sent: {message.get('reason')}", flush=True)
        elif message.get("message_type") == "text" and message["message_id"] not in self.seen:
            self.seen.add(message["message_id"])
            print(f"{message['user_account']}: {message['text']}", flush=True)

    async def stay(self):
        """Keeps a connection, and sends again what had no answer on the last one."""
        while True:
            try:
                async with websockets.connect(self.url + "/message", subprotocols=["neochat.v1"], max_size=None) as socket:
                    await socket.send(encode({"message_type": "login", "user_account": self.account,
                                              "user_password": os.environ["NEOCHAT_PASSWORD"]}))
                    answer, *more = decode(await socket.recv())
                    if answer["stat"] in ("403", "404"):
                        sys.exit(f"login refused: {answer.get('reason')}")
                    if answer["stat"] == "200":
                        print("* connected", flush=True)
                        self.socket = socket
                        for number in list(self.waiting):
                            await self.send(number)
                        list(map(self.hear, more))
                        async for frame in socket:
                            list(map(self.hear, decode(frame)))
            except (OSError, websockets.WebSocketException):
                pass
            self.socket = None
            await asyncio.sleep(random.uniform(1, 5))

    async def run(self):
        staying = asyncio.create_task(self.stay())
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip():
                await self.say(line.rstrip("\n"))
        while self.waiting and not staying.done():
            await asyncio.sleep(0.05)
        staying.cancel()

if __name__ == "__main__":
    asyncio.run(Chat(*sys.argv[1:4]).run())
