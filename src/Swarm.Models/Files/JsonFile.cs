using System.Text.Json;
using System.Text.Unicode;

namespace Swarm.Models.Files;

/// <summary>Reads a JSON file of a model's folder whose root is an object.</summary>
internal static class JsonFile
{
    /// <exception cref="ModelException">ModelNotFound: absent. CorruptModel: too large, not JSON, or not an object.</exception>
    public static JsonDocument Read(string path) => Parse(ReadBytes(path), path);

    /// <summary>A file whole, within the limit for JSON and templates.</summary>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > LoaderLimits.MaxJsonBytes)
                throw new ModelException(ModelError.CorruptModel, $"{path} has {length} bytes, expected at most {LoaderLimits.MaxJsonBytes}");
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(ModelError.ModelNotFound, $"cannot read {path}: {exception.Message}", exception);
        }
    }

    /// <summary>The same from bytes; <paramref name="path"/> names them in messages.</summary>
    public static JsonDocument Parse(ReadOnlyMemory<byte> bytes, string path)
    {
        CheckText(bytes.Span, path);
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 64 });
        }
        catch (JsonException exception)
        {
            throw new ModelException(ModelError.CorruptModel, $"{path} is not JSON: {exception.Message}", exception);
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        JsonValueKind kind = document.RootElement.ValueKind;
        document.Dispose();
        throw new ModelException(ModelError.CorruptModel, $"{path} holds {kind}, expected an object");
    }

    /// <summary>Refuses text that a JSON parser accepts and only trips over when a string is asked for: bytes that are not UTF-8, escapes that are half a character.</summary>
    private static void CheckText(ReadOnlySpan<byte> bytes, string path)
    {
        if (!Utf8.IsValid(bytes))
            throw new ModelException(ModelError.CorruptModel, $"{path} is not UTF-8");
        var json = new Utf8JsonReader(bytes);
        try
        {
            while (json.Read())
            {
                if (json.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && json.ValueIsEscaped)
                    _ = json.GetString();
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new ModelException(ModelError.CorruptModel, $"{path} is not JSON: {exception.Message}", exception);
        }
    }
}
