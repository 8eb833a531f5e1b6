"""openai-python's files and batches as they come, against a Sluice that test/e2e/sdk-openai-python.e2e-spec.ts has started."""

import io
import json
import time
import unittest

from openai import NotFoundError, OpenAI

from simulator import KEY, MODEL, URL, play

OVER = ("completed", "failed", "expired", "cancelled")


def lines(*ids):
    def line(custom_id):
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello."}]}
        return json.dumps({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body})

    return "\n".join(map(line, ids)).encode()


class OpenAiPythonBatches(unittest.TestCase):
    def setUp(self):
        play(answer={"text": "Hello, you."})
        self.openai = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
        self.addCleanup(self.openai.close)

    def upload(self, *ids):
        file = ("lines.jsonl", io.BytesIO(lines(*ids)))
        return self.openai.files.create(file=file, purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600})

    def until_over(self, batch):
        deadline = time.monotonic() + 15
        while batch.status not in OVER and time.monotonic() < deadline:
            time.sleep(0.05)
            batch = self.openai.batches.retrieve(batch.id)
        return batch

    def test_stores_lists_reads_and_deletes_files(self):
        file = self.upload("a")
        self.assertEqual((file.object, file.purpose, file.filename), ("file", "batch", "lines.jsonl"))
        self.assertEqual(file.expires_at - file.created_at, 3600)
        self.assertEqual(self.openai.files.retrieve(file.id), file)
        self.assertEqual(self.openai.files.content(file.id).read(), lines("a"))
        self.assertIn(file.id, [one.id for one in self.openai.files.list(purpose="batch")])
        self.assertEqual(self.openai.files.wait_for_processing(file.id).id, file.id)
        self.assertTrue(self.openai.files.delete(file.id).deleted)
        with self.assertRaises(NotFoundError):
            self.openai.files.retrieve(file.id)

    def test_runs_a_batch_polls_it_and_reads_its_output(self):
        batch = self.openai.batches.create(
            input_file_id=self.upload("a", "b").id,
            endpoint="/v1/chat/completions",
            completion_window="1h",
            metadata={"team": "blue"},
        )
        self.assertEqual((batch.status, batch.metadata), ("validating", {"team": "blue"}))
        batch = self.until_over(batch)
        counts = batch.request_counts
        self.assertEqual((batch.status, counts.total, counts.completed, counts.failed), ("completed", 2, 2, 0))
        output = [json.loads(line) for line in self.openai.files.content(batch.output_file_id).text.splitlines()]
        self.assertEqual([line["custom_id"] for line in output], ["a", "b"])
        answer = output[0]["response"]["body"]["choices"][0]["message"]["content"]
        self.assertEqual(answer, "Hello, you.")
        self.assertIn(batch.id, [one.id for one in self.openai.batches.list(limit=5)])

    def test_reads_the_errors_of_lines_that_failed(self):
        play(rules=[{"do": {"status": 400}}])
        create = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = self.until_over(self.openai.batches.create(input_file_id=self.upload("a").id, **create))
        self.assertEqual((batch.status, batch.request_counts.failed, batch.output_file_id), ("completed", 1, None))
        error = json.loads(self.openai.files.content(batch.error_file_id).text)
        self.assertEqual((error["custom_id"], error["response"]["status_code"]), ("a", 400))

    def test_reads_what_is_wrong_with_a_file(self):
        create = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = self.until_over(self.openai.batches.create(input_file_id=self.upload("a", "a").id, **create))
        self.assertEqual(batch.status, "failed")
        self.assertEqual([(one.line, one.code) for one in batch.errors.data], [(2, "duplicate_custom_id")])

    def test_cancels_a_batch(self):
        play(rules=[{"do": {"hang": True}}])
        create = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = self.openai.batches.create(input_file_id=self.upload("a").id, **create)
        self.assertEqual(self.openai.batches.cancel(batch.id).status, "cancelling")
        batch = self.until_over(batch)
        self.assertEqual((batch.status, batch.output_file_id), ("cancelled", None))


if __name__ == "__main__":
    unittest.main()
