using Swarm.Kernels.Codecs;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Kernels.Tests.Fuzzing;

public sealed class CodecFuzzTests(ITestOutputHelper output)
{
    private const int Tokens = 3;

    /// <summary>The first byte of an input is the codec, the second half the values of a token; the rest is the encoding, of one length where the codec has one.</summary>
    [Fact]
    public void TryDecode_BrokenEncoding_AnswersFalseOrFillsTheDestination() => FuzzCheck.Run(
        new FuzzTarget
        {
            Name = "activation codecs",
            Seeds = [.. ActivationCodec.All.SelectMany(codec => new[] { Seed(codec, 4), Seed(codec, 20) })],
            Mutators = [new ByteMutator { Signature = 2, Mend = ToLength }],
            Parse = Decode,
            TypedError = _ => null,
            PassedHeader = (bytes, _) => bytes.Length >= 2 && (IsVaried(bytes) || bytes.Length == Length(bytes)),
            MaxAllocatedBytes = 1 << 16,
        },
        output);

    private static ActivationCodec Codec(byte[] input) => ActivationCodec.All[input[0] % ActivationCodec.All.Count];

    private static bool IsVaried(byte[] input) => Codec(input).Id > ActivationCodec.Int8.Id;

    private static int Hidden(byte[] input) => 2 * Math.Max(1, (int)input[1]);

    private static int Length(byte[] input) => 2 + Codec(input).MaxEncodedBytes(Tokens, Hidden(input));

    private static byte[] Seed(ActivationCodec codec, int half)
    {
        var random = new FuzzRandom((ulong)half);
        float[] values = [.. Enumerable.Range(0, Tokens * 2 * half).Select(_ => (random.Next(2001) - 1000) / 64f)];
        byte[] input = new byte[2 + codec.MaxEncodedBytes(Tokens, 2 * half)];
        (input[0], input[1]) = (codec.Id, (byte)half);
        return input[..(2 + codec.Encode(values, Tokens, 2 * half, input.AsSpan(2)))];
    }

    private static byte[] ToLength(byte[] input)
    {
        if (input.Length >= 2 && !IsVaried(input))
            Array.Resize(ref input, Length(input));
        return input;
    }

    private static string Decode(byte[] input)
    {
        if (input.Length < 2)
            return "no header";
        float[] values = new float[Tokens * Hidden(input)];
        bool taken = Codec(input).TryDecode(input.AsSpan(2), Tokens, Hidden(input), values, out string? error);
        Assert.Equal(taken, error is null);
        return taken ? "decoded" : "refused";
    }
}
