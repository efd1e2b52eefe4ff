"""Our derivation against two libraries that know nothing of each other, byte for byte."""

import pytest
from embit import bip32
from embit.networks import NETWORKS as EMBIT
from eth_account import Account

from chains.bitcoin.addresses import deposit_address
from chains.bitcoin.library import HDKey
from chains.bitcoin.network import NETWORKS, NetworkName, network
from chains.ethereum import addresses as ethereum
from chains.hd import ExtendedPublicKey, InvalidExtendedKey
from chains.keys import ExtendedPrivateKey

SEED = bytes(range(64))
EMBIT_NAMES = {
    NetworkName.BITCOIN: "main",
    NetworkName.SIGNET: "signet",
    NetworkName.TESTNET4: "test",
    NetworkName.REGTEST: "regtest",
}
BITCOINLIB_NAMES = {name: name.value for name in NetworkName}

# BIP 32, test vector 1.
VECTOR_SEED = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
VECTOR_PATH = "m/0'/1/2'/2/1000000000"
VECTOR_XPUB = (
    "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGas"
    "TvXEYBVPamhGW6cFJodrTHy"
)


def test_private_derivation_follows_bip32():
    node = ExtendedPrivateKey.from_seed(VECTOR_SEED).derive(VECTOR_PATH)

    assert node.xpub(bytes.fromhex("0488b21e")) == VECTOR_XPUB


@pytest.mark.parametrize("name", list(NetworkName))
def test_bitcoin_addresses_equal_embit_and_bitcoinlib(name: NetworkName):
    chain = NETWORKS[name]
    xpub = ExtendedPrivateKey.from_seed(SEED).derive(chain.account_path).xpub(chain.xpub_version)
    embit = bip32.HDKey.from_seed(SEED).derive(chain.account_path.replace("'", "h"))
    bitcoinlib = HDKey(xpub, witness_type="segwit", network=name.value).child_public(0)

    ours = [deposit_address(xpub, index, chain) for index in range(60)]

    assert embit.to_public().to_base58(version=chain.xpub_version) == xpub
    assert ours == [_embit_address(embit, index, name) for index in range(60)]
    assert ours == [bitcoinlib.child_public(index).address() for index in range(60)]


def test_ethereum_addresses_equal_eth_account():
    Account.enable_unaudited_hdwallet_features()
    words = "test test test test test test test test test test test junk"
    seed = _seed_of(words)
    root = ExtendedPrivateKey.from_seed(seed)
    xpub = root.derive(ethereum.ACCOUNT_PATH).xpub(ethereum.XPUB_VERSION)

    ours = [ethereum.deposit_address(xpub, index) for index in range(20)]

    assert ours == [
        Account.from_mnemonic(words, account_path=f"m/44'/60'/0'/0/{index}").address
        for index in range(20)
    ]


def test_signer_derives_the_key_of_the_address_that_was_shown():
    chain = network("regtest")
    root = ExtendedPrivateKey.from_seed(SEED)
    xpub = root.derive(chain.account_path).xpub(chain.xpub_version)

    public = ExtendedPublicKey.parse(xpub).child(0).child(7).public_key
    private = root.derive(f"{chain.account_path}/0/7").key().public_key

    assert public == private


def test_a_private_extended_key_is_refused_and_not_repeated():
    xprv = bip32.HDKey.from_seed(SEED).to_base58()

    with pytest.raises(InvalidExtendedKey) as refusal:
        ExtendedPublicKey.parse(xprv)

    assert xprv not in str(refusal.value)
    assert xprv[4:20] not in repr(refusal.value)


@pytest.mark.parametrize("text", ["", "xpub", "tpub" + "1" * 100, VECTOR_XPUB[:-1] + "z"])
def test_nonsense_is_no_extended_key(text: str):
    with pytest.raises(InvalidExtendedKey):
        ExtendedPublicKey.parse(text)


def _embit_address(account: bip32.HDKey, index: int, name: NetworkName) -> str:
    from embit import script

    key = account.derive([0, index]).to_public()
    return script.p2wpkh(key).address(EMBIT[EMBIT_NAMES[name]])


def _seed_of(words: str) -> bytes:
    from embit import bip39

    return bip39.mnemonic_to_seed(words)
