"""Short names for keys, coins and payments."""

import hashlib

from coincurve import PrivateKey

from chains.bitcoin.addresses import Address, p2wpkh_address, p2wpkh_script, parse_address
from chains.bitcoin.network import network
from chains.bitcoin.transaction import Outpoint, Output, UnsignedTransaction, Utxo
from chains.keys import DerivedKey
from domain.ids import TxId

REGTEST = network("regtest")


def key(number: int) -> DerivedKey:
    return DerivedKey(PrivateKey(number.to_bytes(32, "big")))


def txid(number: int) -> TxId:
    return TxId(hashlib.sha256(number.to_bytes(8, "big")).hexdigest())


def coin(number: int, satoshi: int, owner: int = 1) -> Utxo:
    return Utxo(Outpoint(txid(number), number % 3), satoshi, key(owner).public_key)


def address(owner: int) -> Address:
    return parse_address(p2wpkh_address(key(owner).public_key, REGTEST), REGTEST)


def pays(owner: int, satoshi: int) -> Output:
    return Output(satoshi, p2wpkh_script(key(owner).public_key))


def unsigned(input_count: int, output_count: int = 2, fee: int = 5_000) -> UnsignedTransaction:
    inputs = tuple(coin(number, 100_000, owner=1 + number % 3) for number in range(input_count))
    share = (input_count * 100_000 - fee) // output_count
    outputs = [pays(10 + number, share) for number in range(output_count - 1)]
    rest = input_count * 100_000 - fee - share * (output_count - 1)
    return UnsignedTransaction(inputs, (*outputs, pays(9, rest)))
