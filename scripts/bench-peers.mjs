// Prefill and decode of llama.cpp on one GGUF file, as one JSON line: node bench-peers.mjs FILE THREADS PROMPT TOKENS (called by scripts/bench-peers).
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const file = process.argv[2];
const [threads, promptTokens, decodeTokens] = process.argv.slice(3).map(Number);
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath: file, gpuLayers: 0});
const context = await model.createContext({
    contextSize: promptTokens + decodeTokens + 32, batchSize: promptTokens, threads, flashAttention: process.env.PEER_FLASH_ATTENTION === "1"
});
const sequence = context.getSequence();
const ids = Array.from({length: promptTokens}, (_, i) => 100 + (i * 7919) % 40000);

// One round for nothing, then two, of which the better counts.
let prefill = 0, decode = 0;
for (let round = 0; round < 3; round++) {
    await sequence.clearHistory();
    const start = performance.now();
    const tokens = sequence.evaluate(ids, {temperature: 0, yieldEogToken: true});
    await tokens.next();
    const first = performance.now();
    let count = 0;
    while (count < decodeTokens && !(await tokens.next()).done)
        count++;
    const end = performance.now();
    await tokens.return?.();
    if (round > 0) {
        prefill = Math.max(prefill, promptTokens / (first - start) * 1000);
        decode = Math.max(decode, count / (end - first) * 1000);
    }
}
console.log(JSON.stringify({prefill, decode}));
process.exit(0);
