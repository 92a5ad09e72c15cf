"""A Genesys Cloud org on localhost, and an S3 server to export it to.

Everything that lets people and tests try the exporter without an account belongs here: a made-up org
(`org`), its HTTP interface (`api`, `server`) and an S3 server (`s3`). Nothing outside this package may
import it except the command line and the tests; only this package imports Starlette, uvicorn and moto.
"""
