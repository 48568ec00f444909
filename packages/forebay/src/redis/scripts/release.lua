-- Gives a lease up without a value and wakes waiters.
local lease = KEYS[4] -- the lease
local token = ARGV[3] -- the lease's
local nonce = ARGV[4] -- of the notice that wakes waiters
local tidings = ARGV[5] -- its payload

checkWritable()
local holder, mark = readLease(lease)
if holder ~= token then return 0 end
redis.call('DEL', lease)
if mark == '+' and standing() then announce('f', tidings, nonce) end
return 1
