"""Disposable, sandboxed workers that take hostile messages apart. They hold no secret, no store and one socket; what
they answer is believed no more than the message was."""
