//! The PaymentPermit contract: the struct that is signed and the interface that settles it. Declarations only.

use alloy_sol_types::sol;

sol! {
    /// Signed under the domain `{ name: "PaymentPermit", chainId, verifyingContract }`, without a version.
    #[derive(Debug, PartialEq, Eq)]
    struct PaymentPermitDetails {
        PermitMeta meta;
        address buyer;
        address caller;
        Payment payment;
        Fee fee;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct PermitMeta {
        uint8 kind;
        bytes16 paymentId;
        uint256 nonce;
        uint256 validAfter;
        uint256 validBefore;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Payment {
        address payToken;
        uint256 payAmount;
        address payTo;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Fee {
        address feeTo;
        uint256 feeAmount;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface PaymentPermit {
        /// Moves `payAmount` to `payTo` and `feeAmount` to `feeTo`; only `permit.caller` may call it.
        function permitTransferFrom(PaymentPermitDetails permit, address owner, bytes signature) external;
        function nonceBitmap(address owner, uint256 wordPos) external view returns (uint256);
        function nonceUsed(address owner, uint256 nonce) external view returns (bool);
        function DOMAIN_SEPARATOR() external view returns (bytes32);

        event PermitTransfer(
            address indexed buyer,
            bytes16 indexed paymentId,
            address indexed payToken,
            address payTo,
            uint256 amount
        );

        error BuyerMismatch();
        error InvalidKind();
        error InvalidTimestamp();
        error InvalidCaller();
        error NonceAlreadyUsed();
        error InvalidNonce();
        error InvalidSignature();
    }
}
