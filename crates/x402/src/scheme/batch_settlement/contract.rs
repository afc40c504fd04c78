//! The payment channel contract, its collectors' authorizations and what its parties sign. Declarations only.

use alloy_sol_types::sol;

sol! {
    /// Its typed-data digest under the channel's domain is the channel id.
    #[derive(Debug, PartialEq, Eq)]
    struct ChannelConfig {
        address payer;
        address payerAuthorizer;
        address receiver;
        address receiverAuthorizer;
        address token;
        uint40 withdrawDelay;
        bytes32 salt;
    }

    /// Cumulative: each voucher replaces the one before.
    #[derive(Debug, PartialEq, Eq)]
    struct Voucher { bytes32 channelId; uint128 maxClaimableAmount; }

    #[derive(Debug, PartialEq, Eq)]
    struct Refund { bytes32 channelId; uint256 nonce; uint128 amount; }

    #[derive(Debug, PartialEq, Eq)]
    struct ClaimEntry { bytes32 channelId; uint128 maxClaimableAmount; uint128 totalClaimed; }

    #[derive(Debug, PartialEq, Eq)]
    struct ClaimBatch { ClaimEntry[] claims; }

    /// Signed under the token's own domain for a deposit; `to` is the ERC-3009 collector.
    #[derive(Debug, PartialEq, Eq)]
    struct ReceiveWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    /// Signed under Permit2's domain for a deposit; `spender` is the Permit2 collector.
    #[derive(Debug, PartialEq, Eq)]
    struct PermitWitnessTransferFrom {
        TokenPermissions permitted;
        address spender;
        uint256 nonce;
        uint256 deadline;
        DepositWitness witness;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct TokenPermissions { address token; uint256 amount; }

    #[derive(Debug, PartialEq, Eq)]
    struct DepositWitness { bytes32 channelId; }

    struct VoucherLimit { ChannelConfig config; uint128 maxClaimableAmount; }
    struct Claim { VoucherLimit voucher; bytes signature; uint128 totalClaimed; }

    interface Channel {
        function deposit(ChannelConfig config, uint128 amount, address collector, bytes collectorData) external;
        function claim(Claim[] claims) external;
        function claimWithSignature(Claim[] claims, bytes signature) external;
        function settle(address receiver, address token) external;
        function refund(ChannelConfig config, uint128 amount) external;
        function refundWithSignature(ChannelConfig config, uint128 amount, uint256 nonce, bytes signature) external;
        function initiateWithdraw(ChannelConfig config, uint128 amount) external;
        function finalizeWithdraw(ChannelConfig config) external;
        function getChannelId(ChannelConfig config) external view returns (bytes32);
        function channels(bytes32 channelId) external view returns (uint128 balance, uint128 totalClaimed);
        function pendingWithdrawals(bytes32 channelId) external view returns (uint128 amount, uint40 initiatedAt);
        function refundNonce(bytes32 channelId) external view returns (uint256);
        function multicall(bytes[] calls) external;
    }

    interface DepositToken {
        function receiveWithAuthorization(
            address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce,
            bytes signature
        ) external;
    }
}
