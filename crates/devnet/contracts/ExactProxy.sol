// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Permit2} from "./Permit2.sol";

/// The exact proxy of x402, written from its published interface: whoever presents a permit that names this contract
/// as spender moves exactly the signed amount, and only to the recipient that the payer signed as witness.
contract ExactProxy {
    struct Witness {
        address to;
        uint256 validAfter;
    }

    error InvalidOwner();
    error InvalidDestination();
    error PaymentTooEarly();

    // Slot 0 is filled at genesis (crates/devnet/src/genesis.rs): the Permit2 of this proxy's deployment.
    Permit2 public PERMIT2;

    string public constant WITNESS_TYPE_STRING =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)";
    bytes32 public constant WITNESS_TYPEHASH = keccak256("Witness(address to,uint256 validAfter)");

    function settle(
        Permit2.PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external {
        if (owner == address(0)) revert InvalidOwner();
        if (witness.to == address(0)) revert InvalidDestination();
        if (block.timestamp < witness.validAfter) revert PaymentTooEarly();
        PERMIT2.permitWitnessTransferFrom(
            permit,
            Permit2.SignatureTransferDetails({to: witness.to, requestedAmount: permit.permitted.amount}),
            owner,
            keccak256(abi.encode(WITNESS_TYPEHASH, witness.to, witness.validAfter)),
            WITNESS_TYPE_STRING,
            signature
        );
    }
}
