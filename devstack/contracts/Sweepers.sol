// SPDX-License-Identifier: Apache-2.0
// Ways to gather tokens from many deposit addresses, for bench/sweep_gas.py to compare.
pragma solidity ^0.8.20;

// Code of a deposit address behind a CREATE2 proxy.
// Whoever calls it, the tokens go to one place only.
contract Sweeper {
    address public immutable treasury;

    constructor(address treasury_) {
        treasury = treasury_;
    }

    receive() external payable {}

    function sweep(address token) external {
        (, bytes memory held) = token.staticcall(abi.encodeWithSelector(0x70a08231, address(this)));
        uint256 units = abi.decode(held, (uint256));
        (bool ok, bytes memory answer) = token.call(abi.encodeWithSelector(0xa9059cbb, treasury, units));
        require(ok && (answer.length == 0 || abi.decode(answer, (bool))), "token");
    }
}

// Deposit addresses that are proxies (EIP-1167), made when they are swept for the first time.
contract SweeperForwarders {
    address public immutable code;

    constructor(address code_) {
        code = code_;
    }

    function addressOf(uint256 salt) public view returns (address) {
        bytes32 made = keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, keccak256(proxy())));
        return address(uint160(uint256(made)));
    }

    function sweep(uint256[] calldata salts, address token) external {
        for (uint256 i = 0; i < salts.length; i++) {
            address owner = addressOf(salts[i]);
            if (owner.code.length == 0) {
                bytes memory init = proxy();
                uint256 salt = salts[i];
                assembly {
                    owner := create2(0, add(init, 32), mload(init), salt)
                }
            }
            Sweeper(payable(owner)).sweep(token);
        }
    }

    function proxy() internal view returns (bytes memory) {
        return abi.encodePacked(
            hex"3d602d80600a3d3981f3363d3d373d3d3d363d73", code, hex"5af43d82803e903d91602b57fd5bf3"
        );
    }
}
