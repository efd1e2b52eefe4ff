// SPDX-License-Identifier: Apache-2.0
// Deposit addresses delegate to this one contract (EIP-7702), so that one transaction gathers their
// tokens. Only the hot wallet may ask, and only the hot wallet is ever paid.
pragma solidity ^0.8.20;

contract TokenSweeper {
    address public immutable treasury;
    address private immutable self;

    constructor(address treasury_) {
        treasury = treasury_;
        self = address(this);
    }

    // A delegated address goes on taking ether.
    receive() external payable {}

    // All or nothing: what the books expect is what moves. Called on the contract itself.
    function sweepAll(address token, address[] calldata owners, uint256[] calldata units) external {
        require(msg.sender == treasury, "caller");
        require(owners.length == units.length, "lengths");
        for (uint256 i = 0; i < owners.length; i++) {
            // Fails where the owner has not delegated: an address without code is no contract.
            TokenSweeper(payable(owners[i])).sweep(token, units[i]);
        }
    }

    // Runs as the deposit address. A token that returns nothing is believed, one that says no is not.
    function sweep(address token, uint256 units) external {
        require(msg.sender == self, "caller");
        (bool ok, bytes memory answer) = token.call(abi.encodeWithSelector(0xa9059cbb, treasury, units));
        require(ok && (answer.length == 0 || abi.decode(answer, (bool))), "token");
    }
}
