// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The `exact_permit` settlement contract, written from its interface: a signed permit moves a payment and a fee
/// from the buyer, once, when the named caller presents it in time.
contract PaymentPermit {
    struct PermitMeta {
        uint8 kind;
        bytes16 paymentId;
        uint256 nonce;
        uint256 validAfter;
        uint256 validBefore;
    }

    struct Payment {
        address payToken;
        uint256 payAmount;
        address payTo;
    }

    struct Fee {
        address feeTo;
        uint256 feeAmount;
    }

    struct PaymentPermitDetails {
        PermitMeta meta;
        address buyer;
        address caller;
        Payment payment;
        Fee fee;
    }

    error BuyerMismatch();
    error InvalidKind();
    error InvalidTimestamp();
    error InvalidCaller();
    error NonceAlreadyUsed();
    error InvalidSignature();

    event PermitTransfer(
        address indexed buyer,
        bytes16 indexed paymentId,
        address indexed payToken,
        address payTo,
        uint256 amount
    );

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
    bytes32 private constant META_TYPE =
        keccak256("PermitMeta(uint8 kind,bytes16 paymentId,uint256 nonce,uint256 validAfter,uint256 validBefore)");
    bytes32 private constant PAYMENT_TYPE =
        keccak256("Payment(address payToken,uint256 payAmount,address payTo)");
    bytes32 private constant FEE_TYPE = keccak256("Fee(address feeTo,uint256 feeAmount)");
    bytes32 private constant DETAILS_TYPE = keccak256(
        "PaymentPermitDetails(PermitMeta meta,address buyer,address caller,Payment payment,Fee fee)"
        "Fee(address feeTo,uint256 feeAmount)"
        "Payment(address payToken,uint256 payAmount,address payTo)"
        "PermitMeta(uint8 kind,bytes16 paymentId,uint256 nonce,uint256 validAfter,uint256 validBefore)"
    );

    /// Used nonces: bit `nonce & 255` of word `nonce >> 8`.
    mapping(address => mapping(uint256 => uint256)) public nonceBitmap;

    function permitTransferFrom(PaymentPermitDetails calldata permit, address owner, bytes calldata signature)
        external
    {
        // The order is part of the interface: clients explain a failure by the first error.
        if (owner != permit.buyer) revert BuyerMismatch();
        if (permit.meta.kind != 0) revert InvalidKind();
        if (block.timestamp < permit.meta.validAfter || block.timestamp > permit.meta.validBefore) {
            revert InvalidTimestamp();
        }
        if (permit.caller == address(0) || msg.sender != permit.caller) revert InvalidCaller();

        uint256 word = permit.meta.nonce >> 8;
        uint256 bit = 1 << (permit.meta.nonce & 0xff);
        if (nonceBitmap[owner][word] & bit != 0) revert NonceAlreadyUsed();
        nonceBitmap[owner][word] |= bit;

        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), _hash(permit)));
        if (!_signed(owner, digest, signature)) revert InvalidSignature();

        _pull(permit.payment.payToken, owner, permit.payment.payTo, permit.payment.payAmount);
        if (permit.fee.feeAmount != 0) {
            _pull(permit.payment.payToken, owner, permit.fee.feeTo, permit.fee.feeAmount);
        }
        emit PermitTransfer(
            owner, permit.meta.paymentId, permit.payment.payToken, permit.payment.payTo, permit.payment.payAmount
        );
    }

    function nonceUsed(address owner, uint256 nonce) external view returns (bool) {
        return nonceBitmap[owner][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPE, keccak256("PaymentPermit"), block.chainid, address(this)));
    }

    function _hash(PaymentPermitDetails calldata permit) private pure returns (bytes32) {
        PermitMeta calldata m = permit.meta;
        Payment calldata p = permit.payment;
        Fee calldata f = permit.fee;
        return keccak256(
            abi.encode(
                DETAILS_TYPE,
                keccak256(abi.encode(META_TYPE, m.kind, m.paymentId, m.nonce, m.validAfter, m.validBefore)),
                permit.buyer,
                permit.caller,
                keccak256(abi.encode(PAYMENT_TYPE, p.payToken, p.payAmount, p.payTo)),
                keccak256(abi.encode(FEE_TYPE, f.feeTo, f.feeAmount))
            )
        );
    }

    /// 65 bytes r, s, v with v 27 or 28. A high s is accepted, as on the real chain: the nonce stops the twin.
    function _signed(address owner, bytes32 digest, bytes calldata signature) private pure returns (bool) {
        if (signature.length != 65) return false;
        uint8 v = uint8(signature[64]);
        if (v != 27 && v != 28) return false;
        address signer = ecrecover(digest, v, bytes32(signature[0:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == owner;
    }

    /// `transferFrom` that accepts tokens without a return value and passes their own revert reason on.
    function _pull(address token, address from, address to, uint256 value) private {
        require(token.code.length != 0, "PaymentPermit: the token is not a contract");
        (bool ok, bytes memory answer) =
            token.call(abi.encodeWithSignature("transferFrom(address,address,uint256)", from, to, value));
        if (!ok) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
        require(answer.length == 0 || abi.decode(answer, (bool)), "PaymentPermit: the token refused the transfer");
    }
}
