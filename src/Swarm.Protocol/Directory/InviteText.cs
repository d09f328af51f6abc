using System.Buffers.Text;
using Google.Protobuf;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>The text form of an invite: <c>swarm1</c>, then base64url of the protobuf message.</summary>
public static class InviteText
{
    private const string Prefix = "swarm1";

    /// <summary>Writes the text.</summary>
    public static string Write(Invite invite) => Prefix + Base64Url.EncodeToString(invite.ToByteArray());

    /// <summary>Reads the text.</summary>
    /// <exception cref="SwarmException">InvalidInvite, naming what is wrong.</exception>
    public static Invite Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        if (text.Length > ChainLimits.MaxInviteLength)
            throw Bad($"invite: {text.Length} characters, expected at most {ChainLimits.MaxInviteLength}");
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            throw Bad($"invite: begins with '{text[..Math.Min(text.Length, 8)]}', expected '{Prefix}'");
        ReadOnlySpan<char> encoded = text.AsSpan(Prefix.Length);
        if (encoded.IsEmpty || !Base64Url.IsValid(encoded))
            throw Bad($"invite: '{Prefix}' is not followed by base64url; is it complete?");
        Invite invite;
        try
        {
            invite = Invite.Parser.ParseFrom(Base64Url.DecodeFromChars(encoded));
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or FormatException)
        {
            throw Bad("invite: its bytes are damaged; is it complete?", exception);
        }

        if (invite.Addresses.Count is 0 or > ChainLimits.MaxInviteAddresses)
            throw Bad($"invite: {invite.Addresses.Count} addresses, expected 1 to {ChainLimits.MaxInviteAddresses}");
        foreach (string address in invite.Addresses)
        {
            if (!PeerAddress.TryParse(address, out _, out string? error))
                throw Bad($"invite: {error}");
        }

        if (invite.Swarm.Length != 16)
            throw Bad($"invite: swarm id of {invite.Swarm.Length} bytes, expected 16");
        if (invite.ModelIdentity.Length is not (0 or 32))
            throw Bad($"invite: model identity of {invite.ModelIdentity.Length} bytes, expected 32");
        if (invite.ModelName.Length > ChainLimits.MaxNameLength)
            throw Bad($"invite: model name of {invite.ModelName.Length} characters, expected at most {ChainLimits.MaxNameLength}");
        return invite;
    }

    private static SwarmException Bad(string message, Exception? inner = null) => new(FaultKind.InvalidInvite, message, inner: inner);
}
