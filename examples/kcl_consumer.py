"""A consumer for the Kinesis Client Library: the library (Java) starts one of these for each shard.

It writes what it is told as JSON lines into the file that the environment variable KCL_OUTPUT names, and remembers with
a checkpoint how far it has come. Needs Java, and the PyPI package kclpy-ext (or amazon_kclpy):

    lakemill run -- $(amazon_kclpy_helper.py --print_command --java $(which java) --properties kcl_consumer.properties)
"""

import json
import os

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Consumer(processor.RecordProcessorBase):
    """Of one shard."""

    def initialize(self, initialize_input):
        self.shard = initialize_input.shard_id
        self.note("begin", initialize_input.sequence_number)

    def note(self, what, *more):
        with open(os.environ.get("KCL_OUTPUT", "kcl_output.jsonl"), "a") as output:
            output.write(json.dumps([self.shard, what, *more]) + "\n")

    def process_records(self, process_records_input):
        for record in process_records_input.records:
            self.note("record", record.partition_key, record.binary_data.decode(), record.sequence_number)
        if process_records_input.records:
            process_records_input.checkpointer.checkpoint()

    def lease_lost(self, lease_lost_input):
        self.note("lease lost")

    def shard_ended(self, shard_ended_input):
        self.note("end")
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input):
        self.note("shutdown")
        shutdown_requested_input.checkpointer.checkpoint()


if __name__ == "__main__":
    kcl.KCLProcess(Consumer()).run()
