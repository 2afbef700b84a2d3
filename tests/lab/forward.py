#!/usr/bin/env python3
"""forward.py MS LISTEN=TARGET...: TCP forwarders that take MS longer each way.

Stands for a slow network where the kernel has no netem. A new connection waits
for a round trip first, as its handshake would; then each piece of data is
passed on MS after it came.
"""
import asyncio
import socket
import sys


async def pump(reader, writer, delay):
    """Two tasks: one notes when data came, the other passes it on in time."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def receive():
        data = b"x"
        while data:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            queue.put_nowait((loop.time() + delay, data))

    task = asyncio.ensure_future(receive())
    try:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (OSError, RuntimeError):
        pass
    finally:
        task.cancel()


def no_delay(writer):
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def serve(listen, target, delay):
    host, port = target.rsplit(":", 1)

    async def connection(reader, writer):
        no_delay(writer)
        await asyncio.sleep(2 * delay)
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        no_delay(far_writer)
        await asyncio.gather(pump(reader, far_writer, delay), pump(far_reader, writer, delay))
        far_writer.close()
        writer.close()

    own, own_port = listen.rsplit(":", 1)
    await asyncio.start_server(connection, own, int(own_port))


async def main():
    delay = float(sys.argv[1]) / 1000
    for pair in sys.argv[2:]:
        await serve(*pair.split("=", 1), delay)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
