"""What the hop from the gateway to a serving process costs: our client against aiohttp's, on one keep-alive connection.

    python bench/invoke_hop.py [requests]

The peer process is the same tiny asyncio server for both. CPU is that of the client's process only.
"""

import subprocess
import sys
import time

import aiohttp
import uvloop

from lakemill.engines.hosting.client import ServingClient

SERVER = r"""
import asyncio, uvloop
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
ANSWER = HEAD + b'{"predictions": [{"s": 1}]}'
class Peer(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(ANSWER)
async def main():
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
uvloop.run(main())
"""
BODY = b"0.1," * 100
HEADERS = {"Content-Type": "text/csv", "Accept": "*/*"}


async def ours(port: int, count: int) -> list[float]:
    client = ServingClient(("127.0.0.1", port))
    times = []
    for _ in range(count):
        began = time.perf_counter()
        answer = await client.request("POST", "/invocations", HEADERS, BODY, timeout_s=60)
        times.append(time.perf_counter() - began)
        assert answer.status == 200 and len(answer.body) == 27
    client.close()
    return times


async def theirs(port: int, count: int) -> list[float]:
    times = []
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as session:
        for _ in range(count):
            began = time.perf_counter()
            async with session.post(f"http://127.0.0.1:{port}/invocations", data=BODY, headers=HEADERS) as answer:
                body = await answer.read()
            times.append(time.perf_counter() - began)
            assert answer.status == 200 and len(body) == 27
    return times


def measure(name: str, work, port: int, count: int) -> None:
    uvloop.run(work(port, 200))
    cpu = time.process_time()
    times = sorted(uvloop.run(work(port, count)))
    cpu = time.process_time() - cpu
    p50, p99 = times[count // 2] * 1e6, times[count * 99 // 100] * 1e6
    print(f"{name:10} CPU {cpu / count * 1e6:6.0f} us  p50 {p50:6.0f} us  p99 {p99:6.0f} us")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline())
            measure("httptools", ours, port, count)
            measure("aiohttp", theirs, port, count)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
