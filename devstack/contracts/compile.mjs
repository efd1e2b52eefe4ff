// Compiles Tokens.sol into contracts.json: `npm install --no-save solc@0.8.37 && node compile.mjs`.
import { readFileSync, writeFileSync } from "node:fs";
import solc from "solc";

const input = {
  language: "Solidity",
  sources: { "Tokens.sol": { content: readFileSync("Tokens.sol", "utf8") } },
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
for (const [name, contract] of Object.entries(output.contracts["Tokens.sol"])) {
  const bytecode = contract.evm.bytecode.object;
  if (bytecode) compiled[name] = { abi: contract.abi, bytecode: "0x" + bytecode };
}
writeFileSync("contracts.json", JSON.stringify(compiled) + "\n");
