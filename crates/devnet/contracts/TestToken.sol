// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A TRC-20 of the devnet. The same code stands for USDT, USDD and the fake USDT: name, symbol and decimals are
/// written into storage when the chain begins, because the contract is placed at a fixed address without a
/// constructor run. Anyone may hold it, only the devnet's faucet mints.
contract TestToken {
    // Slots 0 to 2 are filled at genesis (crates/devnet/src/genesis.rs).
    string public name;
    string public symbol;
    uint8 public decimals;

    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// The faucet's own address; nobody has its key.
    address private constant FAUCET = address(0xFA0CE7);

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        _allow(spender, value);
        return true;
    }

    /// Adds to an allowance without the race of setting it anew, as the deployed USDT has it.
    function increaseApproval(address spender, uint256 added) external returns (bool) {
        _allow(spender, allowance[msg.sender][spender] + added);
        return true;
    }

    /// Takes from an allowance; what is more than all leaves nothing.
    function decreaseApproval(address spender, uint256 taken) external returns (bool) {
        uint256 allowed = allowance[msg.sender][spender];
        _allow(spender, taken > allowed ? 0 : allowed - taken);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        // As the deployed USDT does: an unlimited allowance is not counted down.
        if (allowed != type(uint256).max) {
            require(allowed >= value, "TRC20: insufficient allowance");
            allowance[from][msg.sender] = allowed - value;
        }
        _move(from, to, value);
        return true;
    }

    function mint(address to, uint256 value) external {
        require(msg.sender == FAUCET, "TestToken: only the faucet mints");
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function _allow(address spender, uint256 value) internal {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
    }

    function _move(address from, address to, uint256 value) internal {
        require(to != address(0), "TRC20: transfer to the zero address");
        uint256 held = balanceOf[from];
        require(held >= value, "TRC20: transfer amount exceeds balance");
        balanceOf[from] = held - value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}
