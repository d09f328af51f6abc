using System.Security.Cryptography;

namespace Swarm.Protocol.Tests.Membership;

public sealed class PeerKeyTests
{
    private static readonly byte[] Data = [1, 2, 3];

    [Fact]
    public void Verify_OwnSignature_Holds()
    {
        using var key = PeerKey.Create();
        byte[] signature = key.Sign(Data);
        Assert.Equal(PeerKey.SignatureLength, signature.Length);
        Assert.True(PeerKey.Verify(key.PublicKey.Span, Data, signature));
        Assert.Equal(PeerId.OfPublicKey(key.PublicKey.Span), key.Id);
    }

    [Fact]
    public void Verify_AnythingChanged_IsFalse()
    {
        using var key = PeerKey.Create();
        using var other = PeerKey.Create();
        byte[] signature = key.Sign(Data);
        Assert.False(PeerKey.Verify(other.PublicKey.Span, Data, signature));
        Assert.False(PeerKey.Verify(key.PublicKey.Span, [1, 2], signature));
        Assert.False(PeerKey.Verify(key.PublicKey.Span, Data, signature.AsSpan(1)));
        Assert.False(PeerKey.Verify(key.PublicKey.Span, Data, new byte[64]));
        Assert.False(PeerKey.Verify(key.PublicKey.Span[1..], Data, signature));
        signature[40] ^= 1;
        Assert.False(PeerKey.Verify(key.PublicKey.Span, Data, signature));
        byte[] offCurve = key.PublicKey.ToArray();
        offCurve[^1] ^= 1;
        Assert.False(PeerKey.Verify(offCurve, Data, key.Sign(Data)));
    }

    [Fact]
    public void Sign_IsOverThePrefixedHash_AsDocumented()
    {
        using var key = PeerKey.Create();
        using var plain = ECDsa.Create();
        plain.ImportSubjectPublicKeyInfo(key.PublicKey.Span, out _);
        byte[] message = [.. "swarm signature 1\0"u8, .. SHA256.HashData(Data)];
        Assert.True(plain.VerifyData(message, key.Sign(Data), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    [Fact]
    public void FromPem_WhatToPemWrote_IsTheSameKey()
    {
        using var key = PeerKey.Create();
        using PeerKey read = PeerKey.FromPem(key.ToPem());
        Assert.Equal(key.Id, read.Id);
        Assert.True(PeerKey.Verify(key.PublicKey.Span, Data, read.Sign(Data)));
    }

    [Fact]
    public void FromPem_AnythingElse_SaysSoWithoutTheText()
    {
        using var wide = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        using var small = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string[] texts = ["", "secret", wide.ExportPkcs8PrivateKeyPem(), rsa.ExportPkcs8PrivateKeyPem(), small.ExportSubjectPublicKeyInfoPem(), new string('A', 5000), small.ExportPkcs8PrivateKeyPem()[..100]];
        foreach (string text in texts)
        {
            FormatException error = Assert.Throws<FormatException>(() => PeerKey.FromPem(text));
            Assert.StartsWith("private key:", error.Message);
            Assert.DoesNotContain("secret", error.Message);
        }
    }

    [Fact]
    public async Task Sign_ManyAtOnce_AllHold()
    {
        using var key = PeerKey.Create();
        byte[][] signatures = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(() => key.Sign([(byte)i]))));
        Assert.All(signatures.Select((signature, i) => PeerKey.Verify(key.PublicKey.Span, [(byte)i], signature)), Assert.True);
    }

    [Fact]
    public void Ids_ShortAndFingerprint_AreTheirBeginnings()
    {
        PeerId peer = PeerId.OfPublicKey(Data);
        string text = peer.ToString();
        Assert.Equal(text[..8], peer.Short);
        Assert.Equal(text[..16], peer.Fingerprint.Replace("-", ""));
        Assert.Equal(19, peer.Fingerprint.Length);
        Assert.True(SwarmId.TryParse(text, out SwarmId swarm));
        Assert.Equal(text, swarm.ToString());
        Assert.False(SwarmId.TryParse(text[1..], out _));
    }
}
