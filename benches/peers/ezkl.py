"""One step of ezkl on one model; the harness runs each step in a process of its own and measures it.

    ezkl.py STEP --model MODEL.onnx --input INPUT.json --calibration CALIBRATION.json --work DIR

Prints one JSON object on its last line of standard output. The step `compile` makes settings, circuit and a local,
insecure SRS; `setup` makes the keys; `prove` includes the witness.
"""

import argparse
import asyncio
import inspect
import json
import os
import sys
import time
from pathlib import Path

# The directory of this script comes first on the path, and this script is called ezkl too.
sys.path.pop(0)
import ezkl  # noqa: E402


def call(function, *args, **kwargs):
    """Calls a function of ezkl: some are coroutines in some versions."""

    async def run():
        result = function(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    result = asyncio.run(run())
    if result is False:
        raise SystemExit(f"ezkl.{function.__name__} returned False")
    return result


def compile_step(args, path):
    run_args = ezkl.PyRunArgs()
    run_args.input_visibility = "public"
    run_args.output_visibility = "public"
    # The verifying key fixes the weights; "private" weights would be bound by nothing.
    run_args.param_visibility = "fixed"
    call(ezkl.gen_settings, args.model, path["settings"], py_run_args=run_args)
    call(ezkl.calibrate_settings, args.calibration, args.model, path["settings"], args.target)
    call(ezkl.compile_circuit, args.model, path["circuit"], path["settings"])
    settings = json.loads(Path(path["settings"]).read_text())
    logrows = settings["run_args"]["logrows"]
    call(ezkl.gen_srs, path["srs"], logrows)
    scale = settings["run_args"]["input_scale"]
    return {"logrows": logrows, "input_scale": scale, "srs_bytes": os.path.getsize(path["srs"])}


def setup_step(_args, path):
    call(ezkl.setup, path["circuit"], path["vk"], path["pk"], path["srs"])
    return {"pk_bytes": os.path.getsize(path["pk"]), "vk_bytes": os.path.getsize(path["vk"])}


def prove_step(args, path):
    call(ezkl.gen_witness, args.input, path["circuit"], path["witness"])
    call(ezkl.prove, path["witness"], path["circuit"], path["pk"], path["proof"], path["srs"])
    proof = json.loads(Path(path["proof"]).read_text())
    witness = json.loads(Path(path["witness"]).read_text())
    elements = witness["pretty_elements"]["rescaled_outputs"]
    return {
        "proof_bytes": proof_bytes(proof),
        "proof_file_bytes": os.path.getsize(path["proof"]),
        "outputs": [[float(value) for value in tensor] for tensor in elements],
    }


def proof_bytes(proof):
    """The proof itself, without its instances: a list of bytes or a string of hexadecimal digits."""
    if isinstance(proof.get("hex_proof"), str):
        return len(proof["hex_proof"].removeprefix("0x")) // 2
    return len(proof["proof"])


def verify_step(_args, path):
    start = time.perf_counter()
    accepted = bool(call(ezkl.verify, path["proof"], path["settings"], path["vk"], path["srs"]))
    return {"accepted": accepted, "seconds": time.perf_counter() - start}


STEPS = {"compile": compile_step, "setup": setup_step, "prove": prove_step, "verify": verify_step}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--target", default="accuracy", help="ezkl's calibration target: accuracy or resources")
    args = parser.parse_args()
    work = Path(args.work)
    names = ("settings", "circuit", "srs", "pk", "vk", "witness", "proof")
    path = {name: str(work / f"ezkl.{name}") for name in names}
    print(json.dumps(STEPS[args.step](args, path)))


if __name__ == "__main__":
    main()
