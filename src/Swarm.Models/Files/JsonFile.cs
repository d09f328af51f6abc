using System.Text.Json;

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
}
