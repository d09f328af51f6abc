using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Swarm.Cli.Framework;

/// <summary>Writes <c>--json</c> events: one object a line, flushed when written. Safe to call from several threads.</summary>
internal sealed class EventWriter(Stream output)
{
    // Text is shown as it is; the lines go to programs, never into a page.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly Lock _lock = new();

    /// <summary>The last event's name: it must be done, failed or stopped when the program ends.</summary>
    public string? Last { get; private set; }

    /// <summary>Writes {"event":name, …fields}.</summary>
    public void Write(string name, Action<Utf8JsonWriter>? fields = null)
    {
        lock (_lock)
        {
            _buffer.ResetWrittenCount();
            using (Utf8JsonWriter json = new(_buffer, Options))
            {
                json.WriteStartObject();
                json.WriteString("event", name);
                fields?.Invoke(json);
                json.WriteEndObject();
            }

            _buffer.Write("\n"u8);
            output.Write(_buffer.WrittenSpan);
            output.Flush();
            Last = name;
        }
    }
}
