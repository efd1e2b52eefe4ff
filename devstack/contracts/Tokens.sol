// SPDX-License-Identifier: Apache-2.0
// Tokens for development and tests. Anybody may mint: they are worth nothing.
pragma solidity ^0.8.20;

abstract contract TokenBase {
    string public name;
    string public symbol;
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(string memory name_, string memory symbol_, uint8 decimals_) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
    }

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function _move(address from, address to, uint256 value) internal {
        require(balanceOf[from] >= value, "balance");
        unchecked {
            balanceOf[from] -= value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }
}

// Like Tether on Ethereum: transfer() answers nothing at all.
contract TestDollar is TokenBase {
    constructor() TokenBase("Test Dollar", "USDT", 6) {}

    function transfer(address to, uint256 value) external {
        _move(msg.sender, to, value);
    }
}

// Takes 1 % on the way, but its log tells the full amount.
contract FeeToken is TokenBase {
    constructor() TokenBase("Fee Token", "FEE", 6) {}

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        uint256 fee = value / 100;
        balanceOf[to] -= fee;
        totalSupply -= fee;
        return true;
    }
}

// Answers false instead of reverting, as early tokens did.
contract FalseToken is TokenBase {
    constructor() TokenBase("False Token", "FALSE", 6) {}

    function transfer(address to, uint256 value) external returns (bool) {
        if (balanceOf[msg.sender] < value) return false;
        _move(msg.sender, to, value);
        return true;
    }
}

// Logs a transfer that never happened.
contract LyingToken is TokenBase {
    constructor() TokenBase("Lying Token", "LIE", 6) {}

    function transfer(address to, uint256 value) external returns (bool) {
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

// Pays many addresses from inside one transaction; a payee whose share is above the limit is first
// paid inside a call that reverts, which must not count.
contract Splitter {
    function split(address payable[] calldata payees) external payable {
        uint256 share = msg.value / payees.length;
        for (uint256 i = 0; i < payees.length; i++) {
            try this.payAndRevert{value: share}(payees[i]) {} catch {}
            (bool paid, ) = payees[i].call{value: share}("");
            require(paid, "payee");
        }
    }

    function payAndRevert(address payable payee) external payable {
        (bool paid, ) = payee.call{value: msg.value}("");
        require(!paid, "always");
    }

    // Destroying a contract pays its whole balance without calling the payee.
    function boom(address payable payee) external payable {
        new Bomb{value: msg.value}(payee);
    }
}

contract Bomb {
    constructor(address payable payee) payable {
        selfdestruct(payee);
    }
}
