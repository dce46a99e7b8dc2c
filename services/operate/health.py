"""`wirewatch health`: is the process on this machine's admin port ready? So no image needs curl for its check."""

from __future__ import annotations

from ipaddress import ip_network

from shared.http import Door, Guard, HttpFailure, Limits

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


async def is_ready(host: str, port: int) -> bool:
    """Whether `/readyz` and `/livez` answer 200 within three seconds."""
    guard = Guard(allow_networks=LOOPBACK)
    async with Door(user_agent="wirewatch-health", guard=guard, limits=Limits(total=3.0)) as door:
        try:
            answers = [await door.get(f"http://{host}:{port}/{path}", follow=False) for path in ("livez", "readyz")]
        except HttpFailure:
            return False
        return all(answer.status == 200 for answer in answers)
