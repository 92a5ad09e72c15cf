"""A bucket of moto's server, which lies in this process: for what tests put there and clear away without asking over HTTP."""

from moto.s3.models import s3_backends

_ACCOUNT = "123456789012"


class MotoBucket:
    """A bucket by its name.

    Args:
        name: The bucket's name; it must be there, or be made with `create`.
    """

    def __init__(self, name):
        self.name = name
        self._backend = s3_backends[_ACCOUNT]["aws"]

    def create(self):
        self._backend.create_bucket(self.name, "us-east-1")
        return self

    def delete(self):
        """The bucket, with all that is in it."""
        self.clear()
        for upload in self._bucket.multiparts.values():
            upload.dispose()
        del self._backend.buckets[self.name]
        del s3_backends.bucket_accounts[self.name]

    def keys(self):
        return sorted(self._bucket.keys)

    def put(self, key, body):
        self._backend.put_object(self.name, key, body)

    def read(self, key):
        return self._bucket.keys[key].value

    def clear(self):
        for key in list(self._bucket.keys):
            self._bucket.keys.pop(key)

    @property
    def _bucket(self):
        return self._backend.buckets[self.name]
