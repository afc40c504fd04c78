# Every sentence that Countersign itself says about a payment, in one place: window, command line and port
# share it. Arguments arrive as finished text (amounts with their token, addresses whole).

## Findings: title, then the sentence with the figures.
allKnown-title = Nothing odd
allKnown = Known token, known contract, exact amount; the seller's side pays the energy.
payeeKnown-title = Paid before
payeeKnown = Same address { $times } times since { $since }.
payeeFirstSeen-title = First payment to this address
payeeFirstSeen = Nothing was ever paid to it from here. Compare it with what the seller publishes.
payeeChanged-title = Other address than before
payeeChanged = This site was paid at { $before } { $times } times; now it wants the money elsewhere.
payeeLooksLike-title = Looks like another address
payeeLooksLike = It begins and ends like { $known }, which was paid before, but is another address.
tokenLooksLike-title = This token only looks like { $symbol }
tokenLooksLike = Its address resembles that of { $symbol }, but it is another contract.
tokenUnknown-title = { $claimed ->
    [none] Unknown token
   *[other] This token only calls itself { $claimed }
  }
tokenUnknown = { $real ->
    [none] The contract that would be paid is not in the token table. Its name and its decimals are its own claim. Countersign doesn't sign for tokens that you haven't added.
   *[other] The contract that would be paid is not the { $claimed } of { $network }. Its name and its decimals are its own claim. Countersign doesn't sign for tokens that you haven't added.
  }
tokenAdded-title = Token that you added
tokenAdded = It is not in the token table; its name and its decimals are the contract's own claim.
tokenOlder-title = Older deployment
tokenOlder = This is an older contract of { $symbol }, perhaps retired.
decimalsClaimed-title = Wrong decimals
decimalsClaimed = The server says { $claimed } decimals, the token has { $real }. The amount shown here uses { $real }.
feeShare-title = High fee
feeShare = The facilitator takes { $fee } on a price of { $price }: { $percent } % of the price.
priceAboveUsual-title = Price went up
priceAboveUsual = You usually pay { $usual } here; this is { $now }.
deadlineFar-title = Long permission
deadlineFar = The permission would stay usable for { $duration }.
deadlinePassed-title = Too late
deadlinePassed = The permission ended { $duration } ago. Ask the site again for a fresh one.
notYetValid-title = Not valid yet
notYetValid = The permission only begins in { $duration }.
resourceElsewhere-title = Other place than requested
resourceElsewhere = The 402 speaks of { $claimed }, but that is not what was requested.
allowanceMissing-title = Allowance missing
allowanceMissing = The payment contract may take { $have } from your account so far and needs { $need }.
balanceShort-title = Not enough money
balanceShort = The account has { $have }, the payment takes up to { $need }.
chainUnknown-title = No answer from the network
chainUnknown = Balance and allowance could not be checked, because no node answered.
testMoney-title = Test money
testMoney = { $network } is a test network: this money has no value.
contractUnknown-title = Unknown contract
contractUnknown = { $contract } is not one of the payment contracts that Countersign knows. It signs for no other.
callerMissing-title = Could never be settled
callerMissing = The 402 names no facilitator that may settle it (extra.fee.caller), so the contract would refuse it for ever.
nonceUsed-title = Already used
nonceUsed = This permission was settled before. Ask the site again for a fresh one.
paidJustNow-title = Paid a moment ago
paidJustNow = The same resource was paid { $duration } ago, at the same address.

## Failures: one sentence, then what to do next.
WALLET_LOCKED = The wallet is locked.
WALLET_LOCKED-advice = Unlock it, then answer again; open questions are kept.
USER_REJECTED = The person said no.
POLICY_DENIED = A rule of this wallet forbids the payment.
POLICY_DENIED-advice = The owner can change the rule on the page of the app or the site.
EXPIRED = The time for this payment is over; nothing was signed.
EXPIRED-advice = Request the resource again and send the fresh 402.
CANCELLED = The app took the request back.
UNSUPPORTED_SCHEME = None of the offered payment schemes can be paid here: { $detail }.
UNSUPPORTED_SCHEME-advice = Supported now: exact_permit, also under its older name exact.
UNSUPPORTED_NETWORK = None of the offered networks is served here: { $detail }.
UNKNOWN_CONTRACT = The payment names a contract that Countersign doesn't know.
UNKNOWN_TOKEN = The payment is in a token that Countersign doesn't know by its address.
UNKNOWN_TOKEN-advice = The owner can add the token after checking its address; a name alone proves nothing.
MALFORMED_PAYMENT_REQUIRED = The 402 can't be read: { $detail }.
ALLOWANCE_REQUIRED = The allowance for the payment contract is missing: { $detail }.
ALLOWANCE_REQUIRED-advice = Send some TRX to the account for the approving transaction, then ask again.
INSUFFICIENT_BALANCE = The account doesn't hold enough of the token.
INSUFFICIENT_BALANCE-advice = Send the missing amount to the account, then ask again.
MAX_AMOUNT_EXCEEDED = The payment takes up to { $asked }, the request allowed at most { $max }.
RATE_LIMITED = Too many questions at once.
RATE_LIMITED-advice = Try again in { $seconds } seconds.
IDEMPOTENCY_CONFLICT = This idempotency key belongs to another request, payment { $earlier }.
IDEMPOTENCY_CONFLICT-advice = Use a new key for a new request.
NOT_PAIRED = This app is not paired with the wallet.
NOT_PAIRED-advice = Pair it with POST /v1/pairings; the owner compares the code and approves.
NO_ACCOUNT = There is no account yet.
NO_ACCOUNT-advice = Make a wallet first: open Countersign, or run countersign init.
NODE_UNAVAILABLE = The TRON node did not give a usable answer: { $detail }.
NODE_UNAVAILABLE-advice = Check the network or the node's address in the configuration, then try again.
LEDGER_UNAVAILABLE = The ledger can't be written, so nothing is signed: { $detail }.
LEDGER_UNAVAILABLE-advice = Free some disk space or mend the folder's permissions; nothing that was recorded is lost.
BAD_REQUEST = { $field }: expected { $expected }, found { $found }.
FORBIDDEN = This is not allowed from here.
NOT_FOUND = There is no such { $what } for this app.
PLAN_CHANGED = The question changed since it was shown.
PLAN_CHANGED-advice = Look at it again, then answer.
PERMISSION_IN_USE = This 402 is being paid by another request already.
PERMISSION_IN_USE-advice = Wait for that payment, or request the resource again for a fresh 402.
ALREADY_ANSWERED = The payment has moved on since.
ALREADY_ANSWERED-advice = Ask for its state again.
NOT_ARMED = The answer came too quickly after the question was shown.
NOT_ARMED-advice = Wait a second and answer again.
WRONG_PASSPHRASE = The passphrase is not the right one.
WRONG_PASSPHRASE-advice = Mind capital letters and the keyboard layout, then try again.
VAULT_UNUSABLE = { $detail }.
CANNOT_SIGN = The 402 can't be signed as it is: { $detail }.
CANNOT_SIGN-advice = The seller has to mend its 402.
INTERNAL = Something inside did not add up ({ $detail }); nothing was signed.
INTERNAL-advice = Please report it with the log file.

## A payment in a word or two.
word-waiting = waiting
word-approved = approved
word-signed = signed
word-seen = settling
word-settled = settled
word-failed = failed, unknown
word-neverUsed = never used
word-rejected = rejected
word-refused = refused
word-cancelled = cancelled
word-expired = expired, not paid

## Smaller pieces.
seconds = { $count ->
    [one] 1 second
   *[other] { $count } seconds
  }
minutes = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
  }
hours = { $count ->
    [one] 1 hour
   *[other] { $count } hours
  }
days = { $count ->
    [one] 1 day
   *[other] { $count } days
  }
payee-known = same address { $times } times since { $since }
payee-once = paid once, { $since }
payee-new = never paid before
last-day = { $who }, last 24 hours
last-month = { $who }, last 30 days
asked-for = Asked for
real-token = Real { $symbol }
paid-before = Paid before
owner-app = You, at the command line
contract-PaymentPermit = PaymentPermit contract

## The inspector: labels that are not plain words as they are, and remarks.
label-pay-to = paid to
label-payTo = paid to
label-price = price, units
label-maximum = at most, units
label-fee = fee, units
label-fee-to = fee goes to
label-caller = caller
label-meta = permission
label-valid-after = valid from
label-valid-before = valid until
label-max-timeout = longest wait, s
label-payment-id = payment id
label-named-contract = named contract
remark-test-money = test money, without value
remark-known-token = known by its address
remark-unknown-token = not in the token table: what it calls itself proves nothing
remark-older-token = an older deployment, perhaps retired
remark-second-test-token = a second test deployment
remark-missing = missing
remark-not-signed-yet = Countersign reads this scheme and does not sign it yet
remark-not-in-registry = not a contract that Countersign signs for
remark-never-settles = the zero address: the contract would never settle it
remark-unknown-kind = only PAYMENT_ONLY can be signed
remark-token-has-no-authorization = this token has no transferWithAuthorization: it could never be settled
remark-superseded = a superseded contract, never signed for
remark-claimed-by-server = claimed by the server
remark-deposit-may-be-lost = a deposit of this token may never come out again
remark-read-from-extensions = read from extensions.transferAuthorization, as older SDKs send it
remark-folded-into-permit = folded into paymentPermit, as older SDKs send it
remark-fee-at-most = at most
