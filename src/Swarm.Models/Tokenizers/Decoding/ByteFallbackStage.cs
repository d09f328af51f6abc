using System.Globalization;
using System.Text;

namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>Runs of byte tokens, spelled <c>&lt;0x0A&gt;</c>, to text.</summary>
internal sealed class ByteFallbackStage(bool eager) : DecodeStage
{
    private readonly Utf8Tail _tail = new();
    private readonly StringBuilder _ready = new();

    public static bool TryByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    public override void Push(string token)
    {
        if (TryByte(token, out byte value))
        {
            _tail.Bytes.Add(value);
            if (eager)
                Give(all: false);
            return;
        }

        EndRun();
        Emit(token);
    }

    public override void Finish()
    {
        EndRun();
        base.Finish();
    }

    private void EndRun()
    {
        if (_tail.Bytes.Count == 0)
            return;
        if (!eager && !IsUtf8())
        {
            Emit(new string('\uFFFD', _tail.Bytes.Count));
            _tail.Bytes.Clear();
            return;
        }

        Give(all: true);
    }

    private bool IsUtf8() => System.Text.Unicode.Utf8.IsValid(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tail.Bytes));

    private void Give(bool all)
    {
        _tail.Take(_ready, perByte: true, all);
        string text = _ready.ToString();
        _ready.Clear();
        Emit(text);
    }
}
