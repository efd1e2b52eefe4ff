// Compiles the contracts here into contracts.json, and what the signer must know of TokenSweeper into
// chains/ethereum/sweeper_code.py: `npm install --no-save solc@0.8.37 && node compile.mjs`.
import { readFileSync, writeFileSync } from "node:fs";
import solc from "solc";

const input = {
  language: "Solidity",
  sources: Object.fromEntries(
    ["Tokens.sol", "Sweepers.sol", "TokenSweeper.sol"].map((name) => [
      name,
      { content: readFileSync(name, "utf8") },
    ]),
  ),
  settings: {
    evmVersion: "paris",
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const error of output.errors ?? []) {
  if (error.severity === "error") throw new Error(error.formattedMessage);
}
const compiled = {};
for (const [name, contract] of Object.values(output.contracts).flatMap(Object.entries)) {
  const bytecode = contract.evm.bytecode.object;
  if (bytecode) compiled[name] = { abi: contract.abi, bytecode: "0x" + bytecode };
}
writeFileSync("contracts.json", JSON.stringify(compiled) + "\n");

const lines = compiled.TokenSweeper.bytecode.slice(2).match(/.{1,80}/g);
const code = `"""Creation code of TokenSweeper, by devstack/contracts/compile.mjs: do not edit."""

CREATION_CODE = bytes.fromhex(
${lines.map((line) => `    "${line}"`).join("\n")}
)
`;
writeFileSync(new URL("../../chains/ethereum/sweeper_code.py", import.meta.url), code);
